/** The way to the servers: gRPC-Web to the page's own origin, with the session's cookie. Gives out one client per service. */
import { Code, ConnectError, type Interceptor, createClient } from '@connectrpc/connect'
import { createGrpcWebTransport } from '@connectrpc/connect-web'
import { AdminService } from '../gen/tidemark/v1/admin_pb'
import { CohortService } from '../gen/tidemark/v1/cohort_pb'
import { DashboardService } from '../gen/tidemark/v1/dashboard_pb'
import { QueryService } from '../gen/tidemark/v1/query_pb'

/** Says that a request was made by this page and by no other; without it a cookie counts for nothing. */
export const HEADERS = { 'x-requested-with': 'tidemark' }

/** Tells the page by `tm-signed-out` on the document when a server no longer knows the session. */
const noticing: Interceptor = next => async request => {
  try {
    const response = await next(request)
    return response.stream ? { ...response, message: noticed(response.message) } : response
  } catch (error) {
    throw notice(error)
  }
}

async function* noticed<M>(messages: AsyncIterable<M>): AsyncIterable<M> {
  try {
    yield* messages
  } catch (error) {
    throw notice(error)
  }
}

function notice(error: unknown): ConnectError {
  const failure = ConnectError.from(error)
  if (failure.code === Code.Unauthenticated) document.dispatchEvent(new Event('tm-signed-out'))
  return failure
}

/** For what only some pages call: `data/clients.ts`. */
export const transport = createGrpcWebTransport({
  baseUrl: location.origin,
  useBinaryFormat: true,
  interceptors: [noticing],
  fetch: (input, init) => {
    const headers = new Headers(init?.headers)
    for (const [name, value] of Object.entries(HEADERS)) headers.set(name, value)
    return fetch(input, { ...init, headers, credentials: 'same-origin' })
  },
})

export const admin = createClient(AdminService, transport)
export const cohorts = createClient(CohortService, transport)
export const dashboards = createClient(DashboardService, transport)
export const queries = createClient(QueryService, transport)
