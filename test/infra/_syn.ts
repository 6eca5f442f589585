import { synthesis } from '/work/wt/observe17/test/infra/synthesis.ts'
import { mkdirSync } from 'node:fs'
mkdirSync('/tmp/syn17', { recursive: true })
const s = await synthesis('dev with scenes' as any, '/tmp/syn17')
console.log(s.exitCode, s.said.slice(0, 3000))
for (const [id, r] of s.resources) if (/^Images|Watching.*Images/.test(id)) console.log(id, r.Type, JSON.stringify(r.Properties).slice(0, 900), (r as any).DependsOn, r.DeletionPolicy)
