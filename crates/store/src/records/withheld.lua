-- withheld.lua: change what is kept of persons from whom Meta withholds messages, all of them or, when somebody else has
-- changed one meanwhile, none. Forgets some whose time is over.
-- KEYS 1 records hash   2 persons by when they are forgotten
-- ARGV 1 now   2 kept for at most, ms   then per person: 1 id   2 the record as read ('' for none)   3 as it shall be
--      ('' for none)   4 when it is forgotten
-- Returns 1 when all stand as they shall, 0 when one was read too early.
for at = 3, #ARGV, 4 do
  local known = redis.call('HGET', KEYS[1], ARGV[at]) or ''
  if known ~= ARGV[at + 1] and known ~= ARGV[at + 2] then return 0 end
end
for at = 3, #ARGV, 4 do
  if ARGV[at + 2] == '' then
    redis.call('HDEL', KEYS[1], ARGV[at])
    redis.call('ZREM', KEYS[2], ARGV[at])
  else
    redis.call('HSET', KEYS[1], ARGV[at], ARGV[at + 2])
    redis.call('ZADD', KEYS[2], ARGV[at + 3], ARGV[at])
  end
end
for _, id in ipairs(redis.call('ZRANGE', KEYS[2], '-inf', ARGV[1], 'BYSCORE', 'LIMIT', 0, 200)) do
  redis.call('HDEL', KEYS[1], id)
  redis.call('ZREM', KEYS[2], id)
end
redis.call('PEXPIRE', KEYS[1], ARGV[2])
redis.call('PEXPIRE', KEYS[2], ARGV[2])
return 1
