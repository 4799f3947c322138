-- beat.lua: a webhook is up.
-- KEYS 1 receipts
-- ARGV 1 now_ms   2 down_after_ms
local kept = redis.call('HMGET', KEYS[1], 'beat', 'up_since', 'down_ms')
local now, beat, up_since = tonumber(ARGV[1]), tonumber(kept[1]), tonumber(kept[2])
if not beat then
  -- Before the first beat ever nothing can have come in vain.
  redis.call('HSET', KEYS[1], 'up_since', now, 'down_ms', 0)
elseif now - beat > tonumber(ARGV[2]) then
  local down = math.max(0, now - beat)
  -- A break so soon after another is the same one, and so is a repeated call.
  if now - up_since < 3000 then down = down + tonumber(kept[3] or '0') end
  redis.call('HSET', KEYS[1], 'up_since', now, 'down_ms', down)
end
redis.call('HSET', KEYS[1], 'beat', math.max(beat or 0, now))
return redis.status_reply('OK')
