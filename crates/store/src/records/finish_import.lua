-- finish_import.lua: make what an import wrote the current version, and end the import.
-- KEYS 1 state hash   2 import record   3 rows written   4 rows of the version before   5 pins hash
-- KEYS 6 the mark of the readers of the version before
-- ARGV 1 import id   2 now_ms   3 lapse_ms   4 record   5 version   6 its description   7 the version before   8 its chunks
-- Returns 1, or 0 when the import is over or was silent for too long: nothing changed.
if redis.call('HGET', KEYS[1], 'current') == ARGV[5] then
  redis.call('PERSIST', KEYS[3])
  return 1
end
local state = redis.call('HMGET', KEYS[1], 'running', 'beat')
if state[1] ~= ARGV[1] or tonumber(state[2]) + tonumber(ARGV[3]) <= tonumber(ARGV[2]) then return 0 end
-- Redis' clock may have jumped past the time that rows are kept for.
if redis.call('HLEN', KEYS[3]) ~= tonumber(ARGV[8]) then return 0 end
redis.call('PERSIST', KEYS[3])
redis.call('HSET', KEYS[1], 'current', ARGV[5], 'v' .. ARGV[5], ARGV[6])
redis.call('HDEL', KEYS[1], 'running', 'running_version', 'beat')
redis.call('SET', KEYS[2], ARGV[4], 'KEEPTTL')
drop_version(ARGV[7], KEYS[1], KEYS[5], KEYS[4], KEYS[6])
return 1
