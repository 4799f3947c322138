-- credit.lua: a number's rate credit. Put before the scripts that touch it. Twin of core's `pace`: whole microseconds,
-- and nothing but + - * /, min, max and floor, so that both reckon the same to the microsecond.
local BURST, POLL, SLOWEST, FULL, LEAST, RECOVERY, SAME_BURST = 100000, 10000, 3600000000, 1000, 125, 5000000, 1000000
local LONGEST_REST, STEP = 60000000, 1000000

local function clock_us(override)
  if override ~= '' then return tonumber(override) end
  local t = redis.call('TIME')
  return t[1] * 1000000 + t[2]
end

-- Until when the number rests. A clock that has stepped back by minutes must not keep it at rest for minutes.
local function rests_until(held, now)
  return held - now > LONGEST_REST and 0 or held
end

local function factor_at(factor, since, now)
  local doublings = math.min(3, math.floor(math.abs(now - since) / RECOVERY))
  return math.max(LEAST, math.min(FULL, factor * 2 ^ doublings))
end
