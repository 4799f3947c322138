-- claim.lua: take the page over (rule 3, takeover). Epoch + 1 under the new owner's nonce; what was begun is unsure, since whoever began
-- it can no longer be asked. A repeat by the same owner changes nothing.
-- KEYS 1 ledger   2 recipients   3 tail   4 tally   5 run
-- ARGV 1 nonce (8 bytes)   2 whether this server may have lost writes (1 or 0)
-- Returns 'foreign' | 'finished' | 'held' (a restored snapshot waits for a person's word) | 'claimed', epoch, version, ledger,
-- recipients, server, moved, the run's doubt_until or '', the indexes of those that were sending and are unconfirmed now.
-- Moved (1) says that the page's owners have worked on another server, so that the ledger may know less than they did:
-- suspect.lua settles that.
local h = open_page(KEYS[1])
if not h then return { 'foreign' } end
if h.flags == FINISHED then return { 'finished' } end
local run, unconfirmed = redis.call('HMGET', KEYS[5], 'hold:restore', 'doubt_until'), {}
if run[1] then return { 'held' } end
if h.nonce ~= ARGV[1] then
  h.epoch, h.nonce, h.version = h.epoch + 1, ARGV[1], h.version + 1
  for index = 0, h.count - 1 do
    if bytes_of(h, index) ~= UNTOUCHED then
      local r, unsure = row(h, index), false
      for attempt = 1, r.used do
        unsure = outcome(r, attempt) == BEGUN and raise(r, attempt, UNSURE) or unsure
      end
      if unsure then
        local before = r.standing
        refold(h, index, r)
        if r.standing ~= before then unconfirmed[#unconfirmed + 1] = string.char(index) end
      end
    end
  end
  save_rows(h, KEYS[3], KEYS[4])
  save_header(h)
end
local server = this_server()
local moved = redis.call('GETRANGE', KEYS[1], SERVER_AT, SERVER_AT + #server - 1) ~= server
if moved and ARGV[2] == '0' then
  redis.call('SETRANGE', KEYS[1], SERVER_AT, server)
  moved = false
end
local ledger, recipients = redis.call('GET', KEYS[1]), redis.call('GET', KEYS[2])
return { 'claimed', h.epoch, h.version, ledger, recipients, server, moved and 1 or 0, run[2] or '',
  table.concat(unconfirmed) }
