#!lua name=tidemark_2

-- The number grows whenever arguments change, so that releases at work side by side each call what they know.

-- Appends a batch to the log if its producer's sequence and its token allow, and remembers that it did; what of it is critical goes
-- to a stream of its own: atomically, in one slot.
-- KEYS: log, producer, meta, projects, critical, once
-- ARGV: epoch, sequence, known epoch, known sequence (of the database, '' when not looked up), project, received, header, rows,
-- 'once' where the batch has a token, else '', then any number of messages with critical events
-- Returns {'appended', entry id}, {'repeated'}, {'gap', expected sequence}, {'fenced', epoch at work} or {'unknown'}: the log
-- has not met this producer, look it up in the database and call again.
local IDLE_SECONDS = 86400
-- A token is kept for this long after each try: much longer than a client waits before the next one, and no longer, as every batch
-- of metrics without a sequence leaves one.
local ONCE_SECONDS = 3600
local CRITICAL_SECONDS = 3600
local CRITICAL_BYTES = 4194304

-- Adds messages to the stream of critical events, and takes the oldest away that do not fit into its bytes; what is added now stays
-- in any case. Each message tells how many bytes there were up to it, so that the stream's size is a difference.
local function tell(stream, args, first)
  local newest = redis.call('XREVRANGE', stream, '+', '-', 'COUNT', 1)[1]
  local total = newest and tonumber(newest[2][4]) or 0
  local kept
  for index = first, #args do
    total = total + #args[index]
    local id = redis.call('XADD', stream, '*', 'e', args[index], 't', string.format('%.0f', total))
    kept = kept or id
  end
  redis.call('EXPIRE', stream, CRITICAL_SECONDS)
  while true do
    local oldest = redis.call('XRANGE', stream, '-', '+', 'COUNT', 1)[1]
    local before = tonumber(oldest[2][4]) - #oldest[2][2]
    if oldest[1] == kept or total - before <= CRITICAL_BYTES then return end
    redis.call('XDEL', stream, oldest[1])
  end
end

local function append(keys, args)
  local log, producer, meta, projects, critical, once = keys[1], keys[2], keys[3], keys[4], keys[5], keys[6]
  local epoch, sequence = tonumber(args[1]), tonumber(args[2])
  if sequence > 0 then
    local at = redis.call('HMGET', producer, 'epoch', 'sequence')
    if not at[1] then
      if args[3] == '' then return {'unknown'} end
      at = {args[3], args[4]}
    end
    local at_epoch, at_sequence = tonumber(at[1]), tonumber(at[2])
    if epoch < at_epoch then return {'fenced', tostring(at[1])} end
    if epoch > at_epoch then at_sequence = 0 end
    if sequence <= at_sequence then
      -- A write, so that whoever waits for it to reach the disk waits for the batch before it too.
      redis.call('EXPIRE', producer, IDLE_SECONDS)
      return {'repeated'}
    end
    if sequence > at_sequence + 1 then return {'gap', string.format('%.0f', at_sequence + 1)} end
    redis.call('HSET', producer, 'epoch', args[1], 'sequence', args[2])
    redis.call('EXPIRE', producer, IDLE_SECONDS)
  end
  if args[9] == 'once' and not redis.call('SET', once, '', 'NX', 'EX', ONCE_SECONDS) then
    redis.call('EXPIRE', once, ONCE_SECONDS)
    return {'repeated'}
  end
  local id = redis.call('XADD', log, '*', 'h', args[7], 'e', args[8])
  redis.call('HINCRBY', meta, 'received', args[6])
  redis.call('HINCRBY', meta, 'bytes', #args[7] + #args[8])
  redis.call('HINCRBY', projects, args[5], args[6])
  if #args > 9 then tell(critical, args, 10) end
  return {'appended', id}
end

-- Trims what is committed and says how far. Totals and position never go back: a writer that was frozen after its commit and
-- thawed when another had gone on changes nothing. A log that was not told of the commit before this one has forgotten it: it was
-- emptied or restored from an older file, and nothing but this shows once new batches have come.
-- KEYS: log, meta
-- ARGV: the first id to keep, the last id committed, rows and bytes committed, bytes committed before
-- Returns {} or {'forgotten'}
local function committed(keys, args)
  local log, meta = keys[1], keys[2]
  redis.call('XTRIM', log, 'MINID', args[1])
  local told = tonumber(redis.call('HGET', meta, 'committed_bytes') or '0')
  if told < tonumber(args[5]) then return {'forgotten'} end
  if told <= tonumber(args[4]) then
    redis.call('HSET', meta, 'last_id', args[2], 'committed_received', args[3], 'committed_bytes', args[4])
  end
  return {}
end

redis.register_function('tidemark_append_2', append)
redis.register_function('tidemark_committed_2', committed)
