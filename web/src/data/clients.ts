/** The services about the data itself, which only these pages call. */
import { createClient } from '@connectrpc/connect'
import { transport } from '../client/transport'
import { DeadLetterService } from '../gen/tidemark/v1/letter_pb'
import { PipelineService } from '../gen/tidemark/v1/pipeline_pb'
import { RetentionService } from '../gen/tidemark/v1/retention_pb'
import { RuleService } from '../gen/tidemark/v1/rule_pb'
import { SchemaService } from '../gen/tidemark/v1/schema_pb'
import { WindowService } from '../gen/tidemark/v1/window_pb'

export const letters = createClient(DeadLetterService, transport)
export const pipeline = createClient(PipelineService, transport)
export const retention = createClient(RetentionService, transport)
export const rules = createClient(RuleService, transport)
export const schemas = createClient(SchemaService, transport)
export const windows = createClient(WindowService, transport)
