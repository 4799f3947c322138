-- version.lua: what scripts that let go of a version of an audience share.

-- Deletes a version, unless it is current or a run holds it. While somebody reads its rows, they go by themselves, once
-- nobody has read on for as long as the reader said: whether it is now gone, or will be.
local function drop_version(version, state, pins, rows, reading)
  if redis.call('HGET', state, 'current') == version then return false end
  for _, held in ipairs(redis.call('HVALS', pins)) do
    if held == version then return false end
  end
  local seconds = redis.call('GET', reading)
  if seconds then redis.call('EXPIRE', rows, seconds) else redis.call('UNLINK', rows) end
  redis.call('HDEL', state, 'v' .. version)
  return true
end

