-- pin.lua: hold the current version of an audience for a run. A run that holds one already keeps that one.
-- KEYS 1 state hash   2 pins hash (run -> version)
-- ARGV 1 run
-- Returns the description of the pinned version, or nil when the audience has no version yet.
local version = redis.call('HGET', KEYS[2], ARGV[1])
if not version then
  version = redis.call('HGET', KEYS[1], 'current')
  if not version then return false end
  redis.call('HSET', KEYS[2], ARGV[1], version)
end
return redis.call('HGET', KEYS[1], 'v' .. version)
