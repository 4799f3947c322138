-- lease.lua: take due pages of a lane. The lane holds only a token per lease; what fences a page is its epoch.
-- KEYS 1 lane   2 tokens
-- ARGV 1 now_ms or ''   2 limit   3 lease_ms   4 token
-- Returns now_ms, when the next page is due ('' when none is), then up to `limit` pages, most urgent first.
local now = tonumber(ARGV[1])
if not now then
  local t = redis.call('TIME')
  now = t[1] * 1000 + math.floor(t[2] / 1000)
end
local pages = redis.call('ZRANGE', KEYS[1], '-inf', now, 'BYSCORE', 'LIMIT', 0, ARGV[2])
for _, page in ipairs(pages) do
  redis.call('ZADD', KEYS[1], now + ARGV[3], page)
  redis.call('HSET', KEYS[2], page, ARGV[4])
end
local next_due = redis.call('ZRANGE', KEYS[1], 0, 0, 'WITHSCORES')
return { now, next_due[2] or '', unpack(pages) }
