-- suppress.lua: change entries of the suppression list, all of them or, when somebody else has changed one meanwhile, none.
-- KEYS 1 records hash   2 order zset
-- ARGV per phone: 1 id   2 its record as read ('' for none)   3 as it shall be ('' for none)   4 member of the order
-- Returns 1 when all stand as they shall, 0 when one was read too early.
for at = 1, #ARGV, 4 do
  local known = redis.call('HGET', KEYS[1], ARGV[at]) or ''
  if known ~= ARGV[at + 1] and known ~= ARGV[at + 2] then return 0 end
end
for at = 1, #ARGV, 4 do
  if ARGV[at + 2] == '' then
    redis.call('HDEL', KEYS[1], ARGV[at])
    redis.call('ZREM', KEYS[2], ARGV[at + 3])
  else
    redis.call('HSET', KEYS[1], ARGV[at], ARGV[at + 2])
    redis.call('ZADD', KEYS[2], 0, ARGV[at + 3])
  end
end
return 1
