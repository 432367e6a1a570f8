"""ModelService: learns what people are going to do from what they did, and watches how well that holds.

`servicer` reads requests (`request`), keeps definitions and versions in `store` (rows are `record`s) and begins training as an
operation. `worker` trains: `target` says which rows to learn from and which to be tested on, `source` reads them through query,
`matrix` makes numbers of them, and `training` tries the candidates (`rule`, `candidate`), calibrates them (`calibration`), measures
them (`metric`) and says what matters (`explanation`); `content` is what is stored of the result, and `predictor` what predicts from it.
A second loop of `worker` watches: `drift` compares features of now with those of training, `monitor` the error with that of the test.
"""
