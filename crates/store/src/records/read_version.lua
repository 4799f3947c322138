-- read_version.lua: mark a version as being read, so that its rows stay a while when another takes its place.
-- KEYS 1 state hash   2 the mark of its readers
-- ARGV 1 version   2 for how long the rows stay after the last look, s
-- Returns 1, or 0 when the version is not current any more: nothing changed.
if redis.call('HGET', KEYS[1], 'current') ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[2], ARGV[2], 'EX', ARGV[2])
return 1
