"""Milliseconds of ask plus tell over a thousand trials.

speed.py "kolosal asht --stdio"; needs hpo_peers.py on PYTHONPATH.
"""
import sys,time
import hpo_peers as h, numpy as np
for t in ['rosenbrock5','levy10','lgbm_wine']:
    task=h.suites()['core'][t](); e=h.External(sys.argv[1]); e.rpc(op='init',space=task.space,objectives=1,seed=1,budget=1000)
    G=[]
    for i in range(1000):
        t0=time.perf_counter(); a=e.rpc(op='ask'); d=time.perf_counter()-t0
        v=task.f(a['params']); t0=time.perf_counter(); e.rpc(op='tell',id=a['id'],values=[v]); G.append(1e3*(d+time.perf_counter()-t0))
    print(t,'first 100 median %.1f; 190-210 median %.1f mean %.1f max %.1f; 980-1000 median %.1f mean %.1f max %.1f ms'%(np.median(G[:100]),np.median(G[190:210]),np.mean(G[190:210]),max(G[190:210]),np.median(G[980:]),np.mean(G[980:]),max(G[980:])))
