-- ledger.lua: the page's ledger as scripts see it. Put before every script that touches one.
-- Header (64 bytes) and records (32 bytes each): the tables in docs/ARCHITECTURE.md, written by layout.rs.
-- `fold` and `apply` are twins of core's `delivery`; a test on random facts holds them equal.
local HEADER, WIDTH = 64, 32
local HEAD, RECORD, FACT = '<BBI2I4c8I4BBI2ddd', '<I4BBBBI4I4I4I4I4I4', '<BBBBI4dBc0'
local NONE, BEGUN, UNSURE, ACCEPTED, SENT, RETRYABLE, FAILED, DELIVERED, READ = 0, 1, 2, 3, 4, 5, 6, 7, 8
local PLANNED, RETRYING, SENDING, UNCONFIRMED, LOST = 1, 2, 3, 4, 5
local STANDINGS = { 'planned', 'retrying', 'sending', 'unconfirmed', 'failed', 'accepted', 'sent', 'delivered', 'read' }
local OF_BEST = { [ACCEPTED] = 6, [SENT] = 7, [DELIVERED] = 8, [READ] = 9 }
local TIME_OF = { [SENT] = 'sent', [DELIVERED] = 'delivered', [READ] = 'read' }
local MESSAGE_ID, SUPERSEDED, LATE_FACT = 1, 2, 3
local MAX_ATTEMPTS, FINISHED = 8, 1
-- A record of which nothing is known yet.
local UNTOUCHED = string.rep('\0', WIDTH)
-- Records that are read in one go.
local CHUNK = 16
local floor = math.floor

local function clock(override)
  if override ~= '' then return tonumber(override) end
  local t = redis.call('TIME')
  return t[1] * 1000 + floor(t[2] / 1000)
end

-- The page's header, or nil when there is no such page.
local function open_page(key)
  local raw = redis.call('GETRANGE', key, 0, HEADER - 1)
  if #raw < HEADER then return nil end
  local h = { key = key, row = {}, folds = {}, chunks = {}, changed = {}, dirty = {}, tail = {}, delta = {}, usual = {} }
  h.format, h.flags, h.count, h.epoch, h.nonce, h.version, h.max_attempts, h.counts, h.home, h.base, h.deadline, h.first_due =
    struct.unpack(HEAD, raw)
  return h
end

-- The page's version tells an owner that someone else has changed it.
local function save_header(h)
  redis.call('SETRANGE', h.key, 0, struct.pack(HEAD, h.format, h.flags, h.count, h.epoch, h.nonce, h.version,
    h.max_attempts, h.counts, h.home, h.base, h.deadline, h.first_due))
end

local function fold_anew(h, r)
  local o, used, best, positive, on_time = r.outcomes, 0, 0, 0, 0
  local begun, unsure, failed = false, false, false
  while o > 0 do
    local out = o % 16
    o = (o - out) / 16
    if out == BEGUN then begun = true
    elseif out == UNSURE then unsure = true
    elseif out == FAILED then failed = true
    elseif out ~= NONE and out ~= RETRYABLE then
      positive = positive + 1
      if out > best then best = out end
      if out >= h.counts and floor(r.within / 2 ^ used) % 2 == 1 then on_time = 1 end
    end
    used = used + 1
  end
  local surplus = positive > 1 and positive - 1 or 0
  if best > 0 then return OF_BEST[best], used, surplus, on_time end
  if begun then return SENDING, used, surplus, on_time end
  if unsure then return UNCONFIRMED, used, surplus, on_time end
  local spent = used >= MAX_ATTEMPTS or used - r.throttled >= h.max_attempts
  if failed or spent then return LOST, used, surplus, on_time end
  return used == 0 and PLANNED or RETRYING, used, surplus, on_time
end

-- standing, attempts used, messages beyond the first that got through, on time (1 or 0). Most records of a page look
-- alike: what was folded once is kept.
local function fold(h, r)
  local look = r.outcomes + r.within * 2 ^ 32 + r.throttled * 2 ^ 40
  local known = h.folds[look]
  if not known then
    known = { fold_anew(h, r) }
    h.folds[look] = known
  end
  return known[1], known[2], known[3], known[4]
end

-- Where a record's bytes are: a string and a place in it. Neighbours are mostly wanted together, and a chunk costs hardly
-- more to read than a record.
local function stored(h, index)
  local place = index % CHUNK
  local first = index - place
  if not h.chunks[first] then
    local at = HEADER + first * WIDTH
    h.chunks[first] = redis.call('GETRANGE', h.key, at, at + CHUNK * WIDTH - 1)
  end
  return h.chunks[first], place * WIDTH + 1
end

-- A record's bytes as they are now.
local function bytes_of(h, index)
  if h.changed[index] then return h.changed[index] end
  local bytes, from = stored(h, index)
  return string.sub(bytes, from, from + WIDTH - 1)
end

-- Sets the fields of a record from its bytes.
local function fill(r, bytes, from)
  r.outcomes, r.within, r.throttled, r.number, r.ids, r.code, r.first, r.last, r.sent, r.delivered, r.read =
    struct.unpack(RECORD, bytes, from)
  return r
end

-- The record of one delivery and, beside it, its fold. One table serves all, a table each being what scripts spent most
-- on: whoever changes it has it folded anew before the next one is looked at.
local function row(h, index)
  local changed = h.changed[index]
  local r = changed and fill(h.row, changed, 1) or fill(h.row, stored(h, index))
  r.standing, r.used, r.surplus, r.on_time = fold(h, r)
  return r
end

local function outcome(r, attempt)
  return floor(r.outcomes / 16 ^ (attempt - 1)) % 16
end

local function add(h, field, by)
  if by ~= 0 then h.delta[field] = (h.delta[field] or 0) + by end
end

-- Raises an attempt; false when it stands there or above already.
local function raise(r, attempt, out)
  local known = outcome(r, attempt)
  if out <= known then return false end
  r.outcomes = r.outcomes + (out - known) * 16 ^ (attempt - 1)
  return true
end

local function pack_record(r)
  return struct.pack(RECORD, r.outcomes, r.within, r.throttled, r.number, r.ids, r.code, r.first, r.last, r.sent,
    r.delivered, r.read)
end

-- Keeps a changed record to be written.
local function keep(h, index, bytes)
  if not h.changed[index] then
    local last = h.dirty[#h.dirty]
    h.jumbled = h.jumbled or (last and index < last)
    h.dirty[#h.dirty + 1] = index
  end
  h.changed[index] = bytes
end

-- Folds a changed record anew and moves the tallies by the difference: the only way in which they move.
local function refold(h, index, r)
  keep(h, index, pack_record(r))
  local standing, used, surplus, on_time = fold(h, r)
  if standing ~= r.standing then
    add(h, STANDINGS[r.standing], -1)
    add(h, STANDINGS[standing], 1)
  end
  if used > r.used and r.standing == UNCONFIRMED then add(h, 'resends', 1) end
  add(h, 'attempts', used - r.used)
  add(h, 'duplicates', surplus - r.surplus)
  add(h, 'within', on_time - r.on_time)
  r.standing, r.used, r.surplus, r.on_time = standing, used, surplus, on_time
end

-- Times are kept as milliseconds after the page's base, plus one; 0 is unknown.
local function offset(h, at)
  return math.max(1, math.min(4294967295, at - h.base + 1))
end

local function keep_earliest(r, field, at)
  if r[field] ~= 0 and r[field] <= at then return false end
  r[field] = at
  return true
end

-- Sets the bit of `attempt` in a field of bits.
local function set_bit(r, field, attempt)
  local bit_of = 2 ^ (attempt - 1)
  if floor(r[field] / bit_of) % 2 == 1 then return false end
  r[field] = r[field] + bit_of
  return true
end

-- The tail keeps what the record has no room for: kind, index, attempt, length, bytes.
local function append(h, kind, index, attempt, bytes)
  h.tail[#h.tail + 1] = struct.pack('<BBBBc0', kind, index, attempt, #bytes, bytes)
end

-- Starts an attempt that was not known of: it is all that the record has room for, the tail keeps what it supersedes.
local function start(h, index, r, attempt, out, number, at)
  if r.used > 0 then
    append(h, SUPERSEDED, index, r.used, struct.pack('<BI4I4', r.number, r.code, r.last))
  end
  raise(r, attempt, out)
  r.number, r.code, r.last = number, 0, offset(h, at)
  keep_earliest(r, 'first', r.last)
end

-- What a fact tells beside the outcome: times and message id. True when any of it was news.
local function note(h, index, r, attempt, out, at, id)
  local news = false
  if OF_BEST[out] and out >= h.counts and at <= h.deadline then news = set_bit(r, 'within', attempt) end
  if TIME_OF[out] then news = keep_earliest(r, TIME_OF[out], offset(h, at)) or news end
  if #id > 0 and set_bit(r, 'ids', attempt) then
    append(h, MESSAGE_ID, index, attempt, id)
    news = true
  end
  return news
end

-- What follows when an attempt has risen from `known`.
local function risen(h, index, r, attempt, known, out, throttled, code, at)
  local turned_away = throttled and out == RETRYABLE
  if turned_away then r.throttled = r.throttled + 1 end
  if r.outcomes >= 16 ^ attempt then
    append(h, LATE_FACT, index, attempt, struct.pack('<BI4I4', out, code, offset(h, at)))
    return
  end
  -- The record knows which number sent only the latest attempt. What was withdrawn, without a code, no number refused.
  if turned_away and code ~= 0 then add(h, 'throttled:' .. r.number, 1) end
  if OF_BEST[out] and known < ACCEPTED then add(h, 'accepted:' .. r.number, 1) end
  if code ~= 0 then r.code = code end
end

-- Applies a fact: 0 raised, 1 known, 2 more was known.
local function apply(h, index, r, attempt, out, throttled, code, at, id)
  local known, news = outcome(r, attempt), note(h, index, r, attempt, out, at, id)
  local raised = raise(r, attempt, out)
  if raised then risen(h, index, r, attempt, known, out, throttled, code, at) end
  if raised or news then refold(h, index, r) end
  return raised and 0 or known == out and 1 or 2
end

-- The usual fact: a first attempt, begun, was accepted. Attempts that were begun together are the same bytes and become
-- the same bytes, so what was worked out for one is kept; `false` for bytes that need the long way.
local function usual(h, bytes)
  local known = h.usual[bytes]
  if known ~= nil then return known end
  local r = fill({}, bytes, 1)
  known = false
  if r.outcomes == BEGUN and r.ids == 0 and h.counts > ACCEPTED then
    raise(r, 1, ACCEPTED)
    set_bit(r, 'ids', 1)
    known = { becomes = pack_record(r), number = r.number, count = 0 }
  end
  h.usual[bytes] = known
  return known
end

-- Takes the usual fact; false when it is not one.
local function accept(h, index, id)
  local known = usual(h, bytes_of(h, index))
  if not known then return false end
  keep(h, index, known.becomes)
  append(h, MESSAGE_ID, index, 1, id)
  known.count = known.count + 1
  return true
end

-- The tallies of all that `accept` took.
local function tally_accepted(h)
  for _, known in pairs(h.usual) do
    if known then
      add(h, 'sending', -known.count)
      add(h, 'accepted', known.count)
      add(h, 'accepted:' .. known.number, known.count)
    end
  end
end

-- Applies a packed list of facts. Answers three bytes per fact: applied, standing before, standing after; and whether
-- any delivery now waits that did not before. A fact about no attempt of this page is answered as stale.
local function record(h, packed)
  local answer, unsettled, at = {}, false, 1
  while at <= #packed do
    local index, attempt, out, throttled, code, when, id
    index, attempt, out, throttled, code, when, id, at = struct.unpack(FACT, packed, at)
    local applied, before, after = 2, LOST, LOST
    local plain = out == ACCEPTED and attempt == 1 and code == 0 and throttled == 0 and #id > 0 and index < h.count
    if plain and accept(h, index, id) then
      applied, before, after = 0, SENDING, OF_BEST[ACCEPTED]
    elseif index < h.count and attempt >= 1 and attempt <= MAX_ATTEMPTS then
      local r = row(h, index)
      before = r.standing
      applied = apply(h, index, r, attempt, out, throttled == 1, code, when, id)
      after = r.standing
      if after ~= before and after <= UNCONFIRMED then unsettled = true end
    end
    answer[#answer + 1] = string.char(applied, before, after)
  end
  tally_accepted(h)
  return table.concat(answer), unsettled
end

-- Writes what changed: neighbouring records in one go, the tail once, each tally once. Up to three records in between
-- are written as they are: another command costs more, here and in the append-only file.
local function save_rows(h, tail_key, tally_key)
  if h.jumbled then table.sort(h.dirty) end
  local at = 1
  while at <= #h.dirty do
    local first, last, parts = h.dirty[at], h.dirty[at], {}
    while h.dirty[at] and h.dirty[at] - last <= 4 do
      local index = h.dirty[at]
      for between = last + 1, index - 1 do
        local bytes, from = stored(h, between)
        parts[#parts + 1] = string.sub(bytes, from, from + WIDTH - 1)
      end
      parts[#parts + 1] = h.changed[index]
      last, at = index, at + 1
    end
    redis.call('SETRANGE', h.key, HEADER + first * WIDTH, table.concat(parts))
  end
  if #h.tail > 0 then redis.call('APPEND', tail_key, table.concat(h.tail)) end
  for field, by in pairs(h.delta) do
    if by ~= 0 then redis.call('HINCRBY', tally_key, field, by) end
  end
end

-- Whether the run lets attempts of a page begin: 'open', with the state of the suppression list that the run was told last,
-- or why not. 'early' is not yet, 'closed' never again, 'held' waits for a person. A page may have to be done before the
-- last of its run.
local function gate(h, run_key, now)
  local run = redis.call('HMGET', run_key, 'state', 'hold:run', 'hold:pool', 'hold:stop', 'begin_from', 'begin_until',
    'hold:restore', 'suppressions')
  if run[1] == 'cancelled' then return 'cancelled' end
  if not run[1] or run[1] == 'closed' then return 'closed' end
  if run[6] and run[6] ~= '' and now >= math.min(tonumber(run[6]), h.deadline) then return 'expired' end
  if run[2] or run[3] or run[4] or run[7] then return 'held' end
  if run[1] ~= 'open' or now < tonumber(run[5]) then return 'early' end
  return 'open', run[8] or '0'
end

-- True when attempts begin now, or will.
local function may_begin(h, run_key, now)
  local state = gate(h, run_key, now)
  return state == 'open' or state == 'held' or state == 'early'
end

-- Writes what facts have changed; `news` that the page's owner has to hear of it.
local function save(h, tail_key, tally_key, news)
  if #h.dirty == 0 then return end
  save_rows(h, tail_key, tally_key)
  if not news then return end
  h.version = h.version + 1
  save_header(h)
end

-- Takes the mark of a finished page back, one of whose deliveries waits again; true tells the caller to put the page
-- into its lane. Without this a page finished between two receipts would never be looked at again.
local function reopen(h, run_key, now)
  if h.flags ~= FINISHED or not may_begin(h, run_key, now) then return false end
  h.flags = 0
  return true
end
