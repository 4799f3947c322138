-- replace.lua: put a new version of a record where the expected one still stands.
-- KEYS 1 records hash
-- ARGV 1 id   2 expected record   3 new record
-- Returns 1, or 0 when someone else changed or removed the record.
if redis.call('HGET', KEYS[1], ARGV[1]) ~= ARGV[2] then return 0 end
redis.call('HSET', KEYS[1], ARGV[1], ARGV[3])
return 1
