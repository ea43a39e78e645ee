import { SimulatorOptionsError } from './simulator-options.ts'
import { seededRandom } from './simulator-random.ts'

/** Something that goes wrong, and how often. */
export interface FaultRule {
  /** A name of {@link FAULTS}, `status-NNN`, `delay-MS`, or one of the simulator's own. */
  readonly fault: string
  /** Before anything is done, or after it was committed: then only the answer is lost. Default `before`. */
  readonly when?: 'before' | 'after'
  /** Which requests it is for: a method, a part of the path. Default: all. */
  readonly match?: { readonly method?: string; readonly path?: string }
  /** The share of them that it hits. Default 1. */
  readonly rate?: number
  /** How many it hits at most. Default: no end. */
  readonly times?: number
  /** How many it lets go by first. Default 0. */
  readonly skip?: number
}

export interface FaultPlan {
  /** Default: the simulator's. */
  readonly seed?: number
  /** The first rule that hits a request is the one it meets. */
  readonly rules: readonly FaultRule[]
}

/** The faults of every simulator. Those of a simulator alone stand beside it. */
export const FAULTS = {
  reset: 'the connection is reset instead of an answer',
  'reset-early': 'the connection is reset when the head of the request has arrived (always before)',
  hang: 'nothing is answered, and the connection stays open',
  stall: 'the head and half of the body are sent, then nothing more',
  cut: 'the connection ends in the middle of the body',
  truncate: 'a whole answer, but its JSON ends in the middle',
  html: "status 502 with a proxy's page in HTML",
  'html-200': 'status 200 with a page in HTML',
  empty: 'status 200 and no body',
} as const

export interface DrawnFault {
  readonly fault: string
  readonly when: 'before' | 'after'
}

export interface SimulatorFaults {
  /** What this request meets, if anything. */
  draw(method: string, path: string): DrawnFault | undefined
  /** The plan, and how many requests each of its rules has hit. */
  readonly state: { readonly seed: number; readonly rules: readonly (FaultRule & { readonly hit: number })[] }
}

/** Throws a {@link SimulatorOptionsError} for a plan that makes no sense. `own`: names of the simulator's own faults. */
export function simulatorFaults(plan: FaultPlan | string, seed: number, own: readonly string[]): SimulatorFaults {
  const { seed: planSeed = seed, rules } = typeof plan === 'string' ? parseFaults(plan) : plan
  if (!Array.isArray(rules)) throw new SimulatorOptionsError('faults: give { "seed": …, "rules": [{ "fault": … }] }')
  for (const rule of rules) checkRule(rule, own)
  const random = seededRandom(planSeed).fork('faults')
  const counts = rules.map(() => ({ seen: 0, hit: 0 }))
  return {
    draw(method, path) {
      for (const [at, rule] of rules.entries()) {
        const { match = {}, rate = 1, times = Number.POSITIVE_INFINITY, skip = 0 } = rule
        if (match.method !== undefined && match.method.toUpperCase() !== method) continue
        if (match.path !== undefined && !path.includes(match.path)) continue
        const count = counts[at] as { seen: number; hit: number }
        if (count.seen++ < skip || count.hit >= times || (rate < 1 && random.next() >= rate)) continue
        count.hit++
        return { fault: rule.fault, when: rule.fault === 'reset-early' ? 'before' : (rule.when ?? 'before') }
      }
      return undefined
    },
    get state() {
      return { seed: planSeed, rules: rules.map((rule, at) => ({ ...rule, hit: counts[at]?.hit ?? 0 })) }
    },
  }
}

/** `reset:after:0.05,status-503:before:0.02`: fault, when, rate; the last two may be left out. Or a plan as JSON. */
function parseFaults(text: string): FaultPlan {
  if (/^\s*[{[]/.test(text)) return parseFaultJson(text)
  const parts = text.split(',').map((part) => part.trim())
  const rules = parts.flatMap((part): FaultRule[] => {
    if (part === '') return []
    const [fault = '', when = 'before', rate = '1', ...rest] = part.split(':')
    if (rest.length > 0 || (when !== 'before' && when !== 'after') || rate === '') {
      throw new SimulatorOptionsError(`faults: ${part} is not FAULT:before|after:RATE, as in reset:after:0.05`)
    }
    return [{ fault, when, rate: Number(rate) }]
  })
  return { rules }
}

function parseFaultJson(text: string): FaultPlan {
  try {
    const plan = JSON.parse(text) as FaultPlan | FaultRule[]
    return Array.isArray(plan) ? { rules: plan } : plan
  } catch {
    throw new SimulatorOptionsError('faults: this is no JSON; give { "rules": [{ "fault": "reset" }] }')
  }
}

const KEYS = ['fault', 'when', 'match', 'rate', 'times', 'skip']
const isCount = (value: unknown) => value === undefined || (Number.isSafeInteger(value) && (value as number) >= 0)

function checkRule(rule: FaultRule, own: readonly string[]): void {
  const wrong = (text: string) => new SimulatorOptionsError(`faults: ${text}`)
  if (typeof rule !== 'object' || rule === null) throw wrong('a rule is an object with "fault"')
  const extra = Object.keys(rule).find((key) => !KEYS.includes(key))
  if (extra !== undefined) throw wrong(`${extra} is not known; a rule has ${KEYS.join(', ')}`)
  const names = [...Object.keys(FAULTS), ...own]
  if (!names.includes(rule.fault) && !/^(status-[2-5]\d\d|delay-\d+)$/.test(rule.fault)) {
    throw wrong(`there is no fault ${rule.fault}; there are ${names.join(', ')}, status-NNN and delay-MS`)
  }
  const { when = 'before', rate = 1, times, skip } = rule
  if (when !== 'before' && when !== 'after') throw wrong('"when" is before or after')
  if (!(rate >= 0 && rate <= 1)) throw wrong('"rate" is a share from 0 to 1')
  if (!isCount(times) || !isCount(skip)) throw wrong('"times" and "skip" are whole numbers, 0 or more')
}
