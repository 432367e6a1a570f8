/** Who is signed in. A key is exchanged for a cookie that no script can read; what stays here is only what may be shown. */
import { HEADERS, admin } from '../client/transport'

export type Role = 'viewer' | 'analyst' | 'admin'

export type Session = {
  /** `projects/{project}`. */
  project: string
  /** The name of the project that people read. */
  title: string
  /** IANA name of the zone in which the project's days begin. */
  zone: string
  role: Role
  /** Whether dashboards and cohorts may be made and changed. */
  author: boolean
  /** Whether the key is one of the whole installation that may run it. */
  operator: boolean
  /** Projects that may be chosen instead; more than one only with a key of the whole installation. */
  projects: string[]
  /** When the session ends by itself. */
  ends: Date
}

/** What the gateway says about a session. */
type Answer = { project: string; role: string; expires_at: string }

const CHOSEN = 'tidemark-project'

/** Exchanges a key for a session. Throws an `Error` with a sentence for people. */
export async function signIn(key: string): Promise<Session> {
  const answer = await send('POST', JSON.stringify({ key }))
  if (answer.status === 401) throw new Error('This key is not known, has expired or was revoked.')
  if (answer.status === 403)
    throw new Error('This key may only send events. Sign in with a key that may read.')
  if (answer.status === 429) {
    const seconds = answer.headers.get('retry-after') ?? '60'
    throw new Error(`Too many attempts. Try again in ${seconds} seconds.`)
  }
  if (!answer.ok) throw new Error(`The server could not sign you in (${answer.status}). Try again.`)
  return describe((await answer.json()) as Answer)
}

/** The session that the browser's cookie stands for, if it is still good. */
export async function current(): Promise<Session | undefined> {
  const answer = await send('GET')
  if (answer.status === 401) return undefined
  if (!answer.ok) throw new Error(`The server does not tell who is signed in (${answer.status}).`)
  return describe((await answer.json()) as Answer)
}

/** Ends the session, on the server as well. */
export async function signOut(): Promise<void> {
  await send('DELETE')
}

/** Keeps which project was chosen, for a key that may see several. */
export function choose(project: string): void {
  localStorage.setItem(CHOSEN, project)
}

async function send(method: string, body?: string): Promise<Response> {
  const headers = { ...HEADERS, ...(body && { 'content-type': 'application/json' }) }
  try {
    return await fetch('/session', { method, headers, body, credentials: 'same-origin', cache: 'no-store' })
  } catch {
    throw new Error('The server cannot be reached. Is it running?')
  }
}

async function describe(answer: Answer): Promise<Session> {
  const role = answer.role.toLowerCase().replace('role_', '') as Role
  const whole = !answer.project || answer.project === 'projects/-'
  const listed = whole ? (await admin.listProjects({ pageSize: 1000 })).projects : []
  const wanted = localStorage.getItem(CHOSEN)
  const name = whole
    ? (listed.find(project => project.name === wanted) ?? listed[0])?.name
    : answer.project.replace(/^(projects\/)?/, 'projects/')
  if (!name) throw new Error('There is no project yet. Make one with `tidemark project create`.')
  const { project } = await admin.getProject({ name })
  return {
    project: name,
    title: project?.displayName || name.slice('projects/'.length),
    zone: project?.timeZone || 'UTC',
    role,
    author: role !== 'viewer',
    operator: whole && role === 'admin',
    projects: whole ? listed.map(each => each.name) : [name],
    ends: new Date(answer.expires_at),
  }
}
