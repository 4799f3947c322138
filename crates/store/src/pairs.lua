-- pairs.lua: room for one more message from a number to each of some users, by what all processes have told. Twin of core's
-- `pair`: whole milliseconds.
-- KEYS 1 users by until when their pair is spoken for
-- ARGV 1 now   2 ms per message   3 burst, ms   4 the furthest ahead, ms   then per user: 1 user   2 messages not told yet
-- Returns per user: 1 or 0, may go out; until when the pair is spoken for now
local now, interval, burst, full = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now)
local answer = {}
for at = 5, #ARGV, 2 do
  local tat = tonumber(redis.call('ZSCORE', KEYS[1], ARGV[at]) or 0)
  local ahead = math.max(0, math.min(full, tat - now))
  ahead = math.min(full, ahead + ARGV[at + 1] * interval)
  local may = ahead + interval <= burst and 1 or 0
  ahead = ahead + may * interval
  redis.call('ZADD', KEYS[1], now + ahead, ARGV[at])
  answer[#answer + 1] = { may, now + ahead }
end
redis.call('PEXPIRE', KEYS[1], full)
return answer
