// Any program that writes one JSON object a line. Integers beyond 2^53 are written by hand: JSON.stringify cannot.
const people = Number(process.argv[2] ?? 3)
for (let n = 1; n <= people; n++) {
  const id = 9007199254740990n + BigInt(n)
  const rest = JSON.stringify({ name: `Person ${n}`, tags: ['a', { n }], active: n % 2 === 1 }).slice(1)
  process.stdout.write(`{"id":${id},${rest}\n`)
}
// The last line says how many rows there were: proof that none is missing at the end.
process.stdout.write(`{"_end":true,"rows":${people}}\n`)
