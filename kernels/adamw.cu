// AdamW with decoupled decay, all tensors in one launch:
//   g' = clip g;  m = beta1 m + (1 - beta1) g';  v = beta2 v + (1 - beta2) g'^2
//   p = p (1 - rate decay) - (rate / correction1) m / (sqrt(v) / sqrt(correction2) + epsilon);  copy = p rounded to bf16
//
// A block takes a chunk, a piece of one tensor, from a table in device memory. Rate, corrections, clip factor and the
// order to skip come from device memory too, so that a captured step can be replayed; skip leaves everything as it was.
//
// Data movement: p, m, v, g read, p, m, v written in fp32, copy written in bf16: 30 bytes a parameter. Four 16-byte
// loads in flight a thread and 1024 threads an SM (64 registers): 64 KB. Floor bytes over copy bandwidth, target 90 %.
#include "jc_dev.cuh"

namespace jc {
namespace {

constexpr int kThreads = 256;

struct Factors {
  float clip, beta1, rest1, beta2, rest2, keep, rate, root2, epsilon;
};

JC_DEV void update(float& p, float& m, float& v, float g, const Factors& f) {
  g *= f.clip;
  m = fma_(f.rest1, g, f.beta1 * m);
  v = fma_(f.rest2 * g, g, f.beta2 * v);
  p = p * f.keep - f.rate * m / (sqrt_(v) * f.root2 + f.epsilon);
}

struct Constants {
  double beta1, beta2, epsilon, decay;
};

JC_KERNEL(kThreads, 4) adamw_chunks(const jc_adamw_chunk* chunks, const jc_adamw_step* step, const Constants c) {
  const jc_adamw_step s = *step;
  if (s.skip) return;
  const jc_adamw_chunk k = chunks[block_x()];
  const Factors f{float(s.clip),
                  float(c.beta1),
                  float(1.0 - c.beta1),
                  float(c.beta2),
                  float(1.0 - c.beta2),
                  float(k.decays ? 1.0 - s.learning_rate * c.decay : 1.0),
                  float(s.learning_rate / s.correction1),
                  1.f / sqrt_(float(s.correction2)),
                  float(c.epsilon)};
  const int count = int(k.count), whole = count & ~3;
  for (int i = thread_id() * 4; i < whole; i += kThreads * 4) {
    float p[4], m[4], v[4], g[4];
    unpack(p, ldg128_once(k.p + i));
    unpack(m, ldg128_once(k.m + i));
    unpack(v, ldg128_once(k.v + i));
    unpack(g, ldg128_once(k.g + i));
    JC_UNROLL
    for (int e = 0; e < 4; ++e) update(p[e], m[e], v[e], g[e], f);
    stg128(k.p + i, packed(p));
    stg128(k.m + i, packed(m));
    stg128(k.v + i, packed(v));
    if (k.copy) stg64(k.copy + i, pack(p[0], p[1]), pack(p[2], p[3]));
  }
  const int i = whole + thread_id();
  if (i >= count) return;
  float p = k.p[i], m = k.m[i], v = k.v[i];
  update(p, m, v, k.g[i], f);
  k.p[i] = p, k.m[i] = m, k.v[i] = v;
  if (k.copy) k.copy[i] = bf16(pack(p, 0.f));
}

}  // namespace
}  // namespace jc

extern "C" int32_t jc_adamw(jc_context* context, const jc_adamw_args* a) {
  using namespace jc;
  if (a->chunks < 0 || a->chunks > 0x7fffffff)
    return fail(context, JC_INVALID, "jc_adamw: %lld chunks", (long long)a->chunks);
  if (a->chunks == 0) return JC_OK;
  const int32_t status = launch(adamw_chunks, dim3(unsigned(a->chunks)), kThreads, 0, stream_of(context), a->chunk,
                                a->step, Constants{a->beta1, a->beta2, a->epsilon, a->decay});
  return launched(context, status, "jc_adamw");
}
