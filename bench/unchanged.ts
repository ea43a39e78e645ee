import { expectCounts, type Measured, machine, median, rate, type Workbench, workbench } from './harness.ts'

/**
 * How close does a run in which nothing has changed come to the speed of Postgres itself? Pairs of
 * `psql COPY … ORDER BY` and a whole `rowferry run` process, in turn, after a first run that fills the key index.
 */
export async function unchanged(rows: number, runs: number): Promise<string> {
  const fewRows = Math.max(1, Math.round(rows / 10))
  const few = await peakOf(fewRows, runs)
  await using bench = await workbench(rows)
  const first = await bench.run()
  expectCounts(first, { inserted: rows })
  const large = await measure(bench, runs)
  const perRow = (ms: number) => ((ms * 1000) / rows).toFixed(2)
  return `## Nothing changed, bigint key

${rows.toLocaleString('en')} rows of 10 columns, ${Math.round(bench.rowBytes)} bytes a row, into a destination that accepts everything; ${runs} pairs, medians.
PostgreSQL ${bench.serverVersion} on the same machine (${machine()}), everything cached, TCP on loopback.

| | rows/s | ms | of psql COPY | Node CPU µs/row | peak RSS MiB |
|---|---|---|---|---|---|
| \`psql -c "COPY (SELECT * … ORDER BY id) TO STDOUT" >/dev/null\` | ${rate(rows, large.copyMs)} | ${Math.round(large.copyMs)} | 1.00 | | |
| \`rowferry run\`, from the connection to the report | ${rate(rows, large.runMs)} | ${Math.round(large.runMs)} | ${large.runRatio.toFixed(2)} | ${perRow(large.cpuMs)} | ${Math.round(large.peakMiB)} |
| the same, with the start of the process | ${rate(rows, large.wallMs)} | ${Math.round(large.wallMs)} | ${large.wallRatio.toFixed(2)} | | |
| first run: ${rows.toLocaleString('en')} inserts | ${rate(rows, first.report.duration_ms)} | ${first.report.duration_ms} | ${(large.copyMs / first.report.duration_ms).toFixed(2)} | ${perRow(first.cpuMs)} | ${Math.round(first.peakMiB)} |

Peak RSS with ${fewRows.toLocaleString('en')} rows: ${Math.round(few)} MiB; with ${rows.toLocaleString('en')}: ${Math.round(large.peakMiB)} MiB.
Ratios are medians of the ratios of each pair.
`
}

interface Pairs {
  readonly copyMs: number
  readonly runMs: number
  readonly wallMs: number
  readonly cpuMs: number
  readonly peakMiB: number
  readonly runRatio: number
  readonly wallRatio: number
}

async function peakOf(rows: number, runs: number): Promise<number> {
  await using bench = await workbench(rows)
  await bench.run()
  return (await measure(bench, runs)).peakMiB
}

async function measure(bench: Workbench, runs: number): Promise<Pairs> {
  await bench.copyOut()
  await bench.run()
  const pairs: { copy: number; run: Measured }[] = []
  for (let pair = 0; pair < runs; pair++) {
    const copy = await bench.copyOut()
    const run = await bench.run()
    expectCounts(run, { unchanged: bench.rows })
    pairs.push({ copy, run })
  }
  return {
    copyMs: median(pairs.map(({ copy }) => copy)),
    runMs: median(pairs.map(({ run }) => run.report.duration_ms)),
    wallMs: median(pairs.map(({ run }) => run.wallMs)),
    cpuMs: median(pairs.map(({ run }) => run.cpuMs)),
    peakMiB: median(pairs.map(({ run }) => run.peakMiB)),
    runRatio: median(pairs.map(({ copy, run }) => copy / run.report.duration_ms)),
    wallRatio: median(pairs.map(({ copy, run }) => copy / run.wallMs)),
  }
}
