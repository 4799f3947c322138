-- grant.lua: spend credit of a number. A grant that is lost is lost credit, never a burst later.
-- KEYS 1 credit   2 what was granted by five minutes   3 by hour
-- ARGV 1 now_us or ''   2 wanted   3 mps   4 headroom   5 which part of the burst is closed: 2 half, 4 a quarter, 0 none
--      6 what the caller expects of this clock, us, or ''
-- Returns granted, retry_at_us, factor in thousandths, paused, now_us
-- Priorities, by the part of the burst that is closed to them: bulk, normal, critical.
local RANK = { [2] = 0, [4] = 1, [0] = 2 }
-- Twin of core's `cap`: a bucket is one number, which of them times PACK and what was granted in it.
local PACK = 16777216
local MINUTE = 60000000

-- What a cap leaves.
local function window(key, width, buckets, cap, now)
  local it = { key = key, width = width, buckets = buckets, cap = tonumber(cap), current = math.floor(now / width), used = 0, sent = {} }
  for _, packed in ipairs(redis.call('HVALS', key)) do
    local bucket = math.floor(packed / PACK)
    if math.abs(bucket - it.current) < buckets then
      it.sent[bucket] = packed % PACK
      it.used = it.used + it.sent[bucket]
    end
  end
  return it
end

-- Counts what was granted.
local function count(it, granted)
  if granted > 0 then
    local sum = (it.sent[it.current] or 0) + granted
    redis.call('HSET', it.key, it.current % it.buckets, it.current * PACK + sum)
    -- What begins a bucket keeps them all for a span more: rarely, and long enough for a clock that was set back.
    if not it.sent[it.current] then redis.call('PEXPIRE', it.key, 2 * it.buckets * it.width / 1000) end
    it.sent[it.current], it.used = sum, it.used + granted
  end
end

-- When there is room for one more.
local function room_from(it, now)
  local used = it.used
  if used < it.cap then return now end
  for bucket = it.current - it.buckets + 1, it.current + it.buckets - 1 do
    used = used - (it.sent[bucket] or 0)
    if it.sent[bucket] and used < it.cap then return (bucket + it.buckets) * it.width end
  end
  return now + it.buckets * it.width
end

local now = clock_us(ARGV[1])
local kept = redis.call('HMGET', KEYS[1], 'tat', 'until', 'factor', 'since', 'paused', 'pace', 'serves', 'per_hour', 'per_day')
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
local wanted, windows = tonumber(ARGV[2]), {}
-- Nothing is counted of a number without a cap.
if kept[8] then windows[1] = window(KEYS[2], 5 * MINUTE, 12, kept[8], now) end
if kept[9] then windows[#windows + 1] = window(KEYS[3], 60 * MINUTE, 24, kept[9], now) end
for _, it in ipairs(windows) do wanted = math.min(wanted, math.max(0, it.cap - it.used)) end
local granted = math.min(wanted, math.floor(room / interval))
ahead = ahead + granted * interval
-- Also when nothing is granted: a clock that has stepped back finds the credit at most a burst ahead, once and for all.
if now + ahead ~= tat and (granted > 0 or tat > now or stepped) then redis.call('HSET', KEYS[1], 'tat', now + ahead) end
local retry_at = math.max(held, now + math.max(0, ahead + interval - ceiling))
for _, it in ipairs(windows) do
  count(it, granted)
  retry_at = math.max(retry_at, room_from(it, now))
end
return { granted, retry_at, factor, 0, now }
