-- ledger.lua: the page's ledger as scripts see it. Put before every script that touches one.
-- Header (64 bytes) and records (32 bytes each): the tables in docs/ARCHITECTURE.md, written by layout.rs.
-- `fold` and `raise` are twins of core's `delivery`; a test on random facts holds them equal.
local HEADER, WIDTH = 64, 32
local HEAD, RECORD, FACT = '<BBI2I4c8I4BBI2ddd', '<I4BBBBI4I4I4I4I4I4', '<BBBBI4dBc0'
local NONE, BEGUN, UNSURE, ACCEPTED, SENT, RETRYABLE, FAILED, DELIVERED, READ = 0, 1, 2, 3, 4, 5, 6, 7, 8
local PLANNED, RETRYING, SENDING, UNCONFIRMED, LOST = 1, 2, 3, 4, 5
local STANDINGS = { 'planned', 'retrying', 'sending', 'unconfirmed', 'failed', 'accepted', 'sent', 'delivered', 'read' }
local OF_BEST = { [ACCEPTED] = 6, [SENT] = 7, [DELIVERED] = 8, [READ] = 9 }
local MAX_ATTEMPTS = 8

local function clock(override)
  if override ~= '' then return tonumber(override) end
  local t = redis.call('TIME')
  return t[1] * 1000 + math.floor(t[2] / 1000)
end

-- The page's header, or nil when there is no such page.
local function open_page(key)
  local raw = redis.call('GETRANGE', key, 0, HEADER - 1)
  if #raw < HEADER then return nil end
  local h = { key = key, rows = {}, dirty = {}, tail = {}, delta = {} }
  h.format, h.flags, h.count, h.epoch, h.nonce, h.version, h.max_attempts, h.counts, h.home, h.base, h.deadline, h.first_due =
    struct.unpack(HEAD, raw)
  return h
end

local function save_header(h)
  redis.call('SETRANGE', h.key, 0, struct.pack(HEAD, h.format, h.flags, h.count, h.epoch, h.nonce, h.version,
    h.max_attempts, h.counts, h.home, h.base, h.deadline, h.first_due))
end

local function row(h, index)
  local r = h.rows[index]
  if r then return r end
  r = {}
  r.outcomes, r.within, r.throttled, r.number, r.ids, r.code, r.first, r.last, r.sent, r.delivered, r.read =
    struct.unpack(RECORD, redis.call('GETRANGE', h.key, HEADER + index * WIDTH, HEADER + index * WIDTH + WIDTH - 1))
  h.rows[index] = r
  return r
end

local function outcome(r, attempt)
  return math.floor(r.outcomes / 16 ^ (attempt - 1)) % 16
end

-- standing, attempts used, messages that got through, on time (1 or 0)
local function fold(h, r)
  local o, used, best, positive, ontime = r.outcomes, 0, 0, 0, 0
  local begun, unsure, failed = false, false, false
  local bit_of = 1
  while o > 0 do
    local out = o % 16
    o = (o - out) / 16
    used = used + 1
    if out == BEGUN then begun = true
    elseif out == UNSURE then unsure = true
    elseif out == FAILED then failed = true
    elseif out ~= NONE and out ~= RETRYABLE then
      positive = positive + 1
      if out > best then best = out end
      if out >= h.counts and bit.band(r.within, bit_of) ~= 0 then ontime = 1 end
    end
    bit_of = bit_of * 2
  end
  local standing
  if best > 0 then standing = OF_BEST[best]
  elseif begun then standing = SENDING
  elseif unsure then standing = UNCONFIRMED
  elseif failed then standing = LOST
  elseif used >= MAX_ATTEMPTS or used - r.throttled >= h.max_attempts then standing = LOST
  elseif used == 0 then standing = PLANNED
  else standing = RETRYING end
  return standing, used, positive, ontime
end

local function add(h, field, by)
  if by ~= 0 then h.delta[field] = (h.delta[field] or 0) + by end
end

local function weigh(h, weight, standing, used, positive, ontime)
  add(h, STANDINGS[standing], weight)
  add(h, 'within', weight * ontime)
  add(h, 'attempts', weight * used)
  if positive > 1 then add(h, 'duplicates', weight * (positive - 1)) end
end

-- Changes a record by `change`, moves the tallies by the fold before and after, answers both standings.
local function move(h, index, change)
  local r = row(h, index)
  local before, used, positive, ontime = fold(h, r)
  weigh(h, -1, before, used, positive, ontime)
  local used_before = used
  local result = change(r, before)
  local after
  after, used, positive, ontime = fold(h, r)
  weigh(h, 1, after, used, positive, ontime)
  if used > used_before and before == UNCONFIRMED then add(h, 'resends', 1) end
  h.dirty[#h.dirty + 1] = index
  return result, before, after
end

-- Times are kept as milliseconds after the page's base, plus one; 0 is unknown.
local function offset(h, at)
  return math.max(1, math.min(4294967295, at - h.base + 1))
end

local function earliest(kept, at)
  if kept == 0 or at < kept then return at end
  return kept
end

local function raise(h, r, attempt, out)
  if out <= outcome(r, attempt) then return false end
  r.outcomes = r.outcomes + (out - outcome(r, attempt)) * 16 ^ (attempt - 1)
  return true
end

local function note_times(h, r, fact)
  if fact.outcome >= h.counts and fact.at <= h.deadline then
    r.within = bit.bor(r.within, bit.lshift(1, fact.attempt - 1))
  end
  local at = offset(h, fact.at)
  if fact.outcome == SENT then r.sent = earliest(r.sent, at)
  elseif fact.outcome == DELIVERED then r.delivered = earliest(r.delivered, at)
  elseif fact.outcome == READ then r.read = earliest(r.read, at) end
end

-- The tail keeps what the record has no room for: kind, index, attempt, length, bytes.
local function append(h, kind, index, attempt, bytes)
  h.tail[#h.tail + 1] = struct.pack('<BBBBc0', kind, index, attempt, #bytes, bytes)
end
local MESSAGE_ID, SUPERSEDED, LATE_FACT = 1, 2, 3

-- Applies a fact: 0 raised, 1 known, 2 more was known.
local function apply(h, r, fact)
  if fact.outcome == ACCEPTED or fact.outcome == SENT or fact.outcome >= DELIVERED then note_times(h, r, fact) end
  local own_bit = bit.lshift(1, fact.attempt - 1)
  if #fact.id > 0 and bit.band(r.ids, own_bit) == 0 then
    r.ids = bit.bor(r.ids, own_bit)
    append(h, MESSAGE_ID, fact.index, fact.attempt, fact.id)
  end
  local known = outcome(r, fact.attempt)
  if not raise(h, r, fact.attempt, fact.outcome) then return known == fact.outcome and 1 or 2 end
  local latest = r.outcomes < 16 ^ fact.attempt
  if fact.throttled and fact.outcome == RETRYABLE then
    r.throttled = r.throttled + 1
    add(h, 'throttled:' .. r.number, 1)
  end
  if latest and known < ACCEPTED and (fact.outcome == ACCEPTED or fact.outcome == SENT or fact.outcome >= DELIVERED) then
    add(h, 'accepted:' .. r.number, 1)
  end
  if latest then
    if fact.code ~= 0 then r.code = fact.code end
  else
    append(h, LATE_FACT, fact.index, fact.attempt, struct.pack('<BI4I4', fact.outcome, fact.code, offset(h, fact.at)))
  end
  return 0
end

-- Applies a packed list of facts. Answers three bytes per fact: applied, standing before, standing after; and
-- whether any delivery waits for another attempt again.
local function record(h, packed)
  local answer, unsettled, at = {}, false, 1
  while at <= #packed do
    local fact = {}
    fact.index, fact.attempt, fact.outcome, fact.throttled, fact.code, fact.at, fact.id, at = struct.unpack(FACT, packed, at)
    fact.throttled = fact.throttled == 1
    if fact.index < h.count then
      local applied, before, after = move(h, fact.index, function(r) return apply(h, r, fact) end)
      if after == RETRYING and applied == 0 then unsettled = true end
      answer[#answer + 1] = string.char(applied, before, after)
    else
      answer[#answer + 1] = string.char(2, LOST, LOST)
    end
  end
  return table.concat(answer), unsettled
end

-- Writes what changed: neighbouring records in one go, the tail once, the tallies once.
local function save(h, tail_key, tally_key)
  table.sort(h.dirty)
  local first, last, parts = nil, nil, {}
  local function flush()
    if first then redis.call('SETRANGE', h.key, HEADER + first * WIDTH, table.concat(parts)) end
  end
  for _, index in ipairs(h.dirty) do
    if index ~= last then
      if not last or index ~= last + 1 then
        flush()
        first, parts = index, {}
      end
      last = index
      local r = h.rows[index]
      parts[#parts + 1] = struct.pack(RECORD, r.outcomes, r.within, r.throttled, r.number, r.ids, r.code, r.first,
        r.last, r.sent, r.delivered, r.read)
    end
  end
  flush()
  if #h.tail > 0 then redis.call('APPEND', tail_key, table.concat(h.tail)) end
  for field, by in pairs(h.delta) do
    if by ~= 0 then redis.call('HINCRBY', tally_key, field, by) end
  end
end

local FINISHED = 1

-- Whether the run still lets attempts begin: 'open', or why not. `held` says that it waits for a person.
local function gate(run_key, now)
  local run = redis.call('HMGET', run_key, 'state', 'hold:run', 'hold:pool', 'hold:stop', 'begin_from', 'begin_until')
  if run[1] == 'cancelled' then return 'cancelled' end
  if run[1] ~= 'open' then return 'closed' end
  if run[6] and run[6] ~= '' and now >= tonumber(run[6]) then return 'expired' end
  if run[2] or run[3] or run[4] then return 'held' end
  if run[5] and now < tonumber(run[5]) then return 'early' end
  return 'open'
end

-- A fact has made a finished page's delivery wait again: takes the mark back, and tells the caller to put the page
-- into its lane. Without this a page finished between two receipts would never be looked at again.
local function reopen(h, run_key, unsettled, now)
  if not unsettled or h.flags ~= FINISHED then return 0 end
  local state = gate(run_key, now)
  if state ~= 'open' and state ~= 'held' then return 0 end
  h.flags = 0
  return 1
end
