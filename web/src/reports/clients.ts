/** The services of reports, which only these pages call. */
import { createClient } from '@connectrpc/connect'
import { transport } from '../client/transport'
import { DeliveryService } from '../gen/tidemark/v1/delivery_pb'
import { EditionService } from '../gen/tidemark/v1/edition_pb'
import { ReportService } from '../gen/tidemark/v1/report_pb'
import { ScheduleService } from '../gen/tidemark/v1/schedule_pb'

export const deliveries = createClient(DeliveryService, transport)
export const editions = createClient(EditionService, transport)
export const reports = createClient(ReportService, transport)
export const schedules = createClient(ScheduleService, transport)
