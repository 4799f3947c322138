-- doubt.lua: a run that a restored snapshot knows less of than has happened. Whatever was due until then may have gone
-- out. What was not frozen yet may have been planned otherwise: nothing of it can be told apart, so it is cancelled.
-- KEYS 1 run
-- ARGV 1 until   2 now_ms   3 the remark on a run that is cancelled
local kept = redis.call('HMGET', KEYS[1], 'state', 'doubt_until')
if not kept[1] or kept[1] == 'closed' or kept[1] == 'cancelled' then return redis.status_reply('OK') end
if kept[1] == 'scheduled' then
  redis.call('HSET', KEYS[1], 'state', 'cancelled', 'cancelled_at', ARGV[2], 'remarks', ARGV[3])
else
  redis.call('HSET', KEYS[1], 'doubt_until', math.max(tonumber(ARGV[1]), tonumber(kept[2] or 0)))
end
return redis.status_reply('OK')
