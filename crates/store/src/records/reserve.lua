-- reserve.lua: take an idempotency key, or learn what became of it.
-- KEYS 1 reservation hash
-- ARGV 1 body hash   2 now_ms   3 how long a request may take, ms   4 how long to remember, s   5 minted id
-- Returns {'fresh', minted id} | {'busy'} | {'mismatch'} | {'done', status, body}.
local kept = redis.call('HMGET', KEYS[1], 'hash', 'until', 'minted', 'status', 'body')
if not kept[1] then
  redis.call('HSET', KEYS[1], 'hash', ARGV[1], 'until', ARGV[2] + ARGV[3], 'minted', ARGV[5])
  redis.call('EXPIRE', KEYS[1], ARGV[4])
  return { 'fresh', ARGV[5] }
end
if kept[1] ~= ARGV[1] then return { 'mismatch' } end
if kept[4] then return { 'done', kept[4], kept[5] } end
if tonumber(kept[2]) > tonumber(ARGV[2]) then return { 'busy' } end
redis.call('HSET', KEYS[1], 'until', ARGV[2] + ARGV[3])
return { 'fresh', kept[3] }
