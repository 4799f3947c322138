-- put_number.lua: put a number's record and its token, all of it, where what was read still stands.
-- KEYS 1 records hash   2 order zset   3 credentials hash   4 revision of the credentials
-- ARGV 1 id   2 expected record, '' for none   3 new record   4 member of the order
--      5 place of its account's credential   6 expected there, '' for none   7 new there
--      8 place of its own   9 expected there, '' for none   10 new there, '' for none
-- Returns 1 when the new ones stand there (also when this very call already put them there), 0 when something else stood.
local function stand(record, account, own)
  return (redis.call('HGET', KEYS[1], ARGV[1]) or '') == record
    and (redis.call('HGET', KEYS[3], ARGV[5]) or '') == account
    and (redis.call('HGET', KEYS[3], ARGV[8]) or '') == own
end
if stand(ARGV[3], ARGV[7], ARGV[10]) then return 1 end
if not stand(ARGV[2], ARGV[6], ARGV[9]) then return 0 end
redis.call('HSET', KEYS[1], ARGV[1], ARGV[3])
redis.call('ZADD', KEYS[2], 0, ARGV[4])
for place = 5, 8, 3 do
  if ARGV[place + 2] == '' then
    redis.call('HDEL', KEYS[3], ARGV[place])
  else
    redis.call('HSET', KEYS[3], ARGV[place], ARGV[place + 2])
  end
end
if ARGV[6] ~= ARGV[7] or ARGV[9] ~= ARGV[10] then redis.call('INCR', KEYS[4]) end
return 1
