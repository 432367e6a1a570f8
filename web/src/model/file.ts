/** A dashboard as a file: its JSON form without what belongs to the place it came from. */
import { clone, create, fromJson, toJson } from '@bufbuild/protobuf'
import { type Dashboard, DashboardSchema } from '../gen/tidemark/v1/dashboard_pb'

/** The last part of a dashboard's name. */
export function idOf({ name }: Pick<Dashboard, 'name'>): string {
  return name.slice(name.lastIndexOf('/') + 1)
}

/** The text of the file. */
export function write(dashboard: Dashboard): string {
  return `${JSON.stringify(toJson(DashboardSchema, detached(dashboard)), null, 2)}\n`
}

/** The dashboard of a file's text. Throws an `Error` that says what is wrong with it. */
export function read(text: string): Dashboard {
  let json
  try {
    json = JSON.parse(text) as Parameters<typeof fromJson>[1]
  } catch (cause) {
    throw new Error('The file is not JSON. Choose one that was exported from a dashboard.', { cause })
  }
  try {
    const dashboard = detached(fromJson(DashboardSchema, json))
    if (!dashboard.displayName && dashboard.tiles.length === 0)
      throw new Error('it has neither name nor tiles')
    return dashboard
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : 'unknown form'
    throw new Error(`The file is not a dashboard: ${why}.`, { cause })
  }
}

function detached(dashboard: Dashboard): Dashboard {
  return create(DashboardSchema, {
    ...clone(DashboardSchema, dashboard),
    name: '',
    etag: '',
    builtIn: false,
    createTime: undefined,
    updateTime: undefined,
  })
}
