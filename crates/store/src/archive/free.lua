-- free.lua: remove pages that the archive has. *A receipt between writing a page and removing it* changes its bytes: then it
-- stays, and the run is archived anew. One after that finds no page and is foreign.
-- KEYS 1 run, then per page: ledger, recipients, tail
-- ARGV 1 the mark, then per page: what its ledger and tail hashed to when they were written ('' when there was none)
-- Returns how many pages stay.
local pages = #ARGV - 1
if redis.call('HGET', KEYS[1], 'archived') ~= ARGV[1] then return pages end
local kept = 0
for page = 1, pages do
  local ledger, recipients, tail = KEYS[3 * page - 1], KEYS[3 * page], KEYS[3 * page + 1]
  local found = redis.call('GET', ledger)
  if found then
    if redis.sha1hex(found .. (redis.call('GET', tail) or '')) == ARGV[page + 1] then
      redis.call('DEL', ledger, recipients, tail)
    else
      kept = kept + 1
    end
  end
end
return kept
