-- add_asset.lua: add an asset under a name that no asset has.
-- KEYS 1 names hash (name -> id)   2 records hash   3 order zset
-- ARGV 1 name   2 id   3 record   4 member of the order
-- Returns the id of the asset that has the name now.
local holder = redis.call('HGET', KEYS[1], ARGV[1])
if holder then return holder end
redis.call('HSET', KEYS[1], ARGV[1], ARGV[2])
redis.call('HSET', KEYS[2], ARGV[2], ARGV[3])
redis.call('ZADD', KEYS[3], 0, ARGV[4])
return ARGV[2]
