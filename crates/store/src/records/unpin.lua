-- unpin.lua: let go of a version, and delete it when it is neither current nor held by another run.
-- KEYS 1 state hash   2 pins hash   3 rows of the version   4 the mark of its readers
-- ARGV 1 run   2 the version that the caller saw pinned
-- Returns 1 when the version was deleted, else 0.
if redis.call('HGET', KEYS[2], ARGV[1]) ~= ARGV[2] then return 0 end
redis.call('HDEL', KEYS[2], ARGV[1])
return drop_version(ARGV[2], KEYS[1], KEYS[2], KEYS[3], KEYS[4]) and 1 or 0
