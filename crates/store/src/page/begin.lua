-- begin.lua: the intent journal (rule 1, begin before POST). Marks attempts as begun; only what this answers may be POSTed.
-- KEYS 1 ledger   2 tail   3 tally   4 run
-- ARGV 1 now_ms or ''   2 epoch   3 nonce   4 intents: index, attempt, expected standing, number (a byte each)
-- Returns 'foreign' | 'outranked' | 'closed' | 'cancelled' | 'expired' | 'held' | 'early' | 'finished', or
-- 'begun', now_ms, a byte per intent: 1 granted, 0 refused because the ledger knows better, state of the suppression list
local h = open_page(KEYS[1])
if not h then return { 'foreign' } end
if h.epoch ~= tonumber(ARGV[2]) or h.nonce ~= ARGV[3] then return { 'outranked' } end
if h.flags == FINISHED then return { 'finished' } end
local now = clock(ARGV[1])
local state, list = gate(h, KEYS[4], now)
if state ~= 'open' then return { state } end

local function begin(index, r, attempt, expected, number)
  -- The reply of the first try was lost. Claim turns every `begun` into `unsure`, so this one is ours; but it is the number's that
  -- it was begun on.
  if r.used == attempt and outcome(r, attempt) == BEGUN then return r.number == number and 1 or 0 end
  if r.standing ~= expected or r.used ~= attempt - 1 or attempt > MAX_ATTEMPTS then return 0 end
  start(h, index, r, attempt, BEGUN, number, now)
  refold(h, index, r)
  return 1
end

-- Most attempts are the first of their delivery, and those of one number become the same bytes.
local firsts, started = {}, 0
local function begin_first(index, number)
  if not firsts[number] then
    local r = fill(h.row, UNTOUCHED, 1)
    r.used = 0
    start(h, index, r, 1, BEGUN, number, now)
    firsts[number] = pack_record(r)
  end
  keep(h, index, firsts[number])
  started = started + 1
  return 1
end

local answer = {}
for at = 1, #ARGV[4], 4 do
  local index, attempt, expected, number = string.byte(ARGV[4], at, at + 3)
  local granted = 0
  if index < h.count then
    local first = attempt == 1 and expected == PLANNED and bytes_of(h, index) == UNTOUCHED
    granted = first and begin_first(index, number) or begin(index, row(h, index), attempt, expected, number)
  end
  answer[#answer + 1] = string.char(granted)
end
add(h, 'planned', -started)
add(h, 'sending', started)
add(h, 'attempts', started)
save(h, KEYS[2], KEYS[3], false)
return { 'begun', now, table.concat(answer), list }
