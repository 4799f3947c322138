-- grant.lua: spend credit of a number. A grant that is lost is lost credit, never a burst later.
-- KEYS 1 credit
-- ARGV 1 now_us or ''   2 wanted   3 mps   4 headroom   5 which part of the burst is closed: 2 half, 4 a quarter, 0 none
--      6 what the caller expects of this clock, us, or ''
-- Returns granted, retry_at_us, factor in thousandths, paused, now_us
-- Priorities, by the part of the burst that is closed to them: bulk, normal, critical.
local RANK = { [2] = 0, [4] = 1, [0] = 2 }
local now = clock_us(ARGV[1])
local kept = redis.call('HMGET', KEYS[1], 'tat', 'until', 'factor', 'since', 'paused', 'pace', 'serves')
local tat, held, factor, since = tonumber(kept[1]) or 0, tonumber(kept[2]) or 0, tonumber(kept[3]) or FULL, tonumber(kept[4]) or 0
factor = factor_at(factor, since, now)
if rests_until(held, now) ~= held then
  held = 0
  redis.call('HDEL', KEYS[1], 'until')
end
-- What the monitor leaves it: a share of its pace, for those whose part of the burst is closed no further than this.
local barred = kept[7] and RANK[tonumber(ARGV[5])] < tonumber(kept[7])
if kept[5] or barred then return { 0, now + 1000000, factor, 1, now } end

local rate = ARGV[3] * ARGV[4] * factor / FULL
if kept[6] then rate = rate * kept[6] / FULL end
local interval = SLOWEST
if rate > 0 then interval = math.max(1, math.min(SLOWEST, math.floor(1000000 / rate))) end
local burst = math.max(BURST, interval + POLL)
local part = tonumber(ARGV[5])
local closed = part > 0 and math.floor(burst / part) or 0
local ceiling = burst - math.min(closed, math.max(0, burst - interval - POLL))

local ahead = math.max(0, math.min(burst, tat - now))
-- The clock has stepped since the caller last looked, and nobody can tell what was spent of the credit: all of it.
local stepped = ARGV[6] ~= '' and math.abs(now - ARGV[6]) > STEP
if stepped then ahead = burst end
local room = now < held and 0 or math.max(0, ceiling - ahead)
local granted = math.min(tonumber(ARGV[2]), math.floor(room / interval))
ahead = ahead + granted * interval
-- Also when nothing is granted: a clock that has stepped back finds the credit at most a burst ahead, once and for all.
if now + ahead ~= tat and (granted > 0 or tat > now or stepped) then redis.call('HSET', KEYS[1], 'tat', now + ahead) end
return { granted, math.max(held, now + math.max(0, ahead + interval - ceiling)), factor, 0, now }
