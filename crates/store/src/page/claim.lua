-- claim.lua: take the page over (rule 3, takeover). Epoch + 1 under the new owner's nonce; what was begun is unsure, since whoever began
-- it can no longer be asked. A repeat by the same owner changes nothing.
-- KEYS 1 ledger   2 recipients   3 tail   4 tally
-- ARGV 1 nonce (8 bytes)
-- Returns 'foreign' | 'finished' | 'claimed', epoch, version, ledger, recipients
local h = open_page(KEYS[1])
if not h then return { 'foreign' } end
if h.flags == FINISHED then return { 'finished' } end
if h.nonce ~= ARGV[1] then
  h.epoch, h.nonce, h.version = h.epoch + 1, ARGV[1], h.version + 1
  for index = 0, h.count - 1 do
    local r, unsure = row(h, index), false
    for attempt = 1, r.used do
      unsure = outcome(r, attempt) == BEGUN and raise(r, attempt, UNSURE) or unsure
    end
    if unsure then refold(h, index, r) end
  end
  save_rows(h, KEYS[3], KEYS[4])
  save_header(h)
end
return { 'claimed', h.epoch, h.version, redis.call('GET', KEYS[1]), redis.call('GET', KEYS[2]) }
