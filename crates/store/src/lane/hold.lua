-- hold.lua: what the holder of a lease's token may do with its page. Whoever lost the lease changes nothing.
-- KEYS 1 lane   2 tokens
-- ARGV 1 page   2 token   3 'renew' | 'release' | 'remove'   4 now_ms or ''   5 lease_ms (renew) or due_ms (release)
-- Returns 1, or 0 when the token is not the lease's.
if redis.call('HGET', KEYS[2], ARGV[1]) ~= ARGV[2] then return 0 end
if ARGV[3] == 'renew' then
  local now = tonumber(ARGV[4])
  if not now then
    local t = redis.call('TIME')
    now = t[1] * 1000 + math.floor(t[2] / 1000)
  end
  redis.call('ZADD', KEYS[1], 'XX', now + ARGV[5], ARGV[1])
  return 1
end
redis.call('HDEL', KEYS[2], ARGV[1])
if ARGV[3] == 'release' then
  redis.call('ZADD', KEYS[1], 'XX', ARGV[5], ARGV[1])
else
  redis.call('ZREM', KEYS[1], ARGV[1])
end
return 1
