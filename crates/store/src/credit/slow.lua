-- slow.lua: the Cloud API found a number too fast, or unable to send: half its speed, and nothing until a moment.
-- KEYS 1 credit
-- ARGV 1 now_us or ''   2 '1' to halve the speed   3 hold for this many microseconds
-- Returns the factor in thousandths.
local now = clock_us(ARGV[1])
local kept = redis.call('HMGET', KEYS[1], 'until', 'factor', 'since')
local held, factor, since = tonumber(kept[1]) or 0, tonumber(kept[2]) or FULL, tonumber(kept[3]) or 0
if ARGV[2] == '1' and not (factor < FULL and math.abs(now - since) < SAME_BURST) then
  factor, since = math.max(LEAST, math.floor(factor_at(factor, since, now) / 2)), now
end
redis.call('HSET', KEYS[1], 'until', math.max(rests_until(held, now), now + ARGV[3]), 'factor', factor, 'since', since)
return factor
