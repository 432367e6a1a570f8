#!lua name=tidemark

-- Appends a batch to the log if its producer's sequence allows, and remembers that it did: atomically, in one slot.
-- KEYS: log, producer, meta, projects
-- ARGV: epoch, sequence, known epoch, known sequence (of the database, '' when not looked up), project, received, header, rows
-- Returns {'appended', entry id}, {'repeated'}, {'gap', expected sequence}, {'fenced', epoch at work} or {'unknown'}: the log
-- has not met this producer, look it up in the database and call again.
local IDLE_SECONDS = 86400

local function append(keys, args)
  local log, producer, meta, projects = keys[1], keys[2], keys[3], keys[4]
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
  local id = redis.call('XADD', log, '*', 'h', args[7], 'e', args[8])
  redis.call('HINCRBY', meta, 'received', args[6])
  redis.call('HINCRBY', meta, 'bytes', #args[7] + #args[8])
  redis.call('HINCRBY', projects, args[5], args[6])
  return {'appended', id}
end

-- Trims what is committed and says how far. Totals and position never go back: a writer that was frozen after its commit and
-- thawed when another had gone on changes nothing.
-- KEYS: log, meta
-- ARGV: the first id to keep, the last id committed, rows and bytes committed
local function committed(keys, args)
  local log, meta = keys[1], keys[2]
  redis.call('XTRIM', log, 'MINID', args[1])
  if tonumber(redis.call('HGET', meta, 'committed_bytes') or '0') <= tonumber(args[4]) then
    redis.call('HSET', meta, 'last_id', args[2], 'committed_received', args[3], 'committed_bytes', args[4])
  end
  return {}
end

redis.register_function('tidemark_append', append)
redis.register_function('tidemark_committed', committed)
