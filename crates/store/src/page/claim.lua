-- claim.lua: take the page over. Epoch + 1 under the new owner's nonce; what was begun is unsure, since whoever began
-- it can no longer be asked. A repeat by the same owner changes nothing.
-- KEYS 1 ledger   2 recipients   3 tail   4 tally
-- ARGV 1 nonce (8 bytes)
-- Returns 'foreign' | 'finished' | epoch, version, ledger, recipients
local h = open_page(KEYS[1])
if not h then return { 'foreign' } end
if h.flags == FINISHED then return { 'finished' } end
if h.nonce ~= ARGV[1] then
  h.epoch, h.nonce, h.version = h.epoch + 1, ARGV[1], h.version + 1
  for index = 0, h.count - 1 do
    local standing = fold(h, row(h, index))
    local o = h.rows[index].outcomes
    while o > 0 and o % 16 ~= BEGUN do o = math.floor(o / 16) end
    if o > 0 then
      move(h, index, function(r)
        for attempt = 1, MAX_ATTEMPTS do
          if outcome(r, attempt) == BEGUN then raise(h, r, attempt, UNSURE) end
        end
      end)
    end
  end
  save(h, KEYS[3], KEYS[4])
  save_header(h)
end
return { 'claimed', h.epoch, h.version, redis.call('GET', KEYS[1]), redis.call('GET', KEYS[2]) }
