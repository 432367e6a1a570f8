/** The services of insights, which only these pages call. */
import { createClient } from '@connectrpc/connect'
import { transport } from '../client/transport'
import { AlertService } from '../gen/tidemark/v1/alert_pb'
import { ForecastService } from '../gen/tidemark/v1/forecast_pb'
import { InsightService } from '../gen/tidemark/v1/insight_pb'
import { ModelService } from '../gen/tidemark/v1/model_pb'

export const alerts = createClient(AlertService, transport)
export const forecasts = createClient(ForecastService, transport)
export const insights = createClient(InsightService, transport)
export const models = createClient(ModelService, transport)
