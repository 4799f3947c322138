-- unpin.lua: let go of a version, and delete it when it is neither current nor held by another run.
-- KEYS 1 state hash   2 pins hash   3 rows of the version
-- ARGV 1 run   2 the version that the caller saw pinned
-- Returns 1 when the version was deleted, else 0.
if redis.call('HGET', KEYS[2], ARGV[1]) ~= ARGV[2] then return 0 end
redis.call('HDEL', KEYS[2], ARGV[1])
if redis.call('HGET', KEYS[1], 'current') == ARGV[2] then return 0 end
for _, held in ipairs(redis.call('HVALS', KEYS[2])) do
  if held == ARGV[2] then return 0 end
end
redis.call('UNLINK', KEYS[3])
redis.call('HDEL', KEYS[1], 'v' .. ARGV[2])
return 1
