-- insert.lua: add a record to a shelf unless its id is taken.
-- KEYS 1 records hash   2 order zset
-- ARGV 1 id   2 record   3 member of the order
-- Returns 1 when the record stands there now (also when this very call already put it there), 0 when the id is taken.
if redis.call('HSETNX', KEYS[1], ARGV[1], ARGV[2]) == 0 then
  if redis.call('HGET', KEYS[1], ARGV[1]) ~= ARGV[2] then return 0 end
end
redis.call('ZADD', KEYS[2], 0, ARGV[3])
return 1
