-- server.lua: which server answers. Put before the scripts that have to know (rule 9, when Redis loses acknowledged
-- writes). A page's header keeps the first 8 bytes of the run id of the server on which its owners have worked.
local SERVER_AT, SERVER = 48, '<c8I4'

local function this_server()
  local digits = string.sub(string.match(redis.call('INFO', 'server'), 'run_id:(%x+)'), 1, 16)
  return (string.gsub(digits, '%x%x', function(pair) return string.char(tonumber(pair, 16)) end))
end
