-- beat.lua: a webhook is up.
-- KEYS 1 receipts
-- ARGV 1 now_ms   2 down_after_ms
local beat = tonumber(redis.call('HGET', KEYS[1], 'beat') or '0')
if ARGV[1] - beat > tonumber(ARGV[2]) then redis.call('HSET', KEYS[1], 'up_since', ARGV[1]) end
redis.call('HSET', KEYS[1], 'beat', math.max(beat, tonumber(ARGV[1])))
return redis.status_reply('OK')
