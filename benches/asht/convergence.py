"""Where a study says it has converged, and whether its regret is then within 1.1 of that after 200 trials.

convergence.py "kolosal asht --stdio" [tasks]; needs hpo_peers.py on PYTHONPATH.
"""
import sys
import hpo_peers as h, numpy as np
core=h.suites()['core']; ok=0; n=0
for t in (sys.argv[2].split(',') if len(sys.argv)>2 else core):
    task=core[t]() if t in core else h.suites()['full'][t](); row=[]
    for seed in range(3):
        e=h.External(sys.argv[1]); e.rpc(op='init',space=task.space,objectives=1,seed=seed,budget=200)
        rng=np.random.RandomState(seed); best=9e99; bt=9e99; stop=None; G=[]
        for i in range(200):
            a=e.rpc(op='ask'); v=task.f(a['params'],rng) if task.noisy else task.f(a['params']); tr=task.true(a['params'])
            e.rpc(op='tell',id=a['id'],values=[v])
            if v<best: best=v; bt=tr
            G.append(bt)
            if stop is None and e.rpc(op='status')['converged']: stop=i+1
        e.close()
        s=stop or 200; rs=max(0,G[s-1]-task.fstar); rf=max(0,G[-1]-task.fstar)
        row.append((s, rs<=1.1*rf+1e-12))
    good=sum(s<=120 and o for s,o in row); ok+=good; n+=len(row); print(t,row)
print('share',ok/n)
