// Gradient of attention, the plain version: query by query, keys in index order. With p = softmax(scale q k^T) of a query:
//   dv[j] += p[j] dy;  dp[j] = dy . v[j];  ds[j] = scale p[j] (dp[j] - sum of p dp);  dq = sum of ds[j] k[j];  dk[j] += ds[j] q.
#include <cmath>

#include "ops/attention_gradient/attention_gradient.h"

namespace {

float dot(const float* a, const float* b, int64_t n) {
  float sum = 0;
  for (int64_t i = 0; i < n; ++i) sum += a[i] * b[i];
  return sum;
}

// y += factor x
void add_scaled(float factor, const float* x, float* y, int64_t n) {
  for (int64_t i = 0; i < n; ++i) y[i] += factor * x[i];
}

void softmax(float* p, int64_t n) {
  float max = p[0];
  for (int64_t j = 1; j < n; ++j) max = p[j] > max ? p[j] : max;
  float sum = 0;
  for (int64_t j = 0; j < n; ++j) {
    p[j] = std::exp(p[j] - max);
    sum += p[j];
  }
  for (int64_t j = 0; j < n; ++j) p[j] /= sum;
}

int64_t scratch_bytes(const jc_attention_gradient_args* a) {
  return jc::round_up(2 * a->kv_tokens * static_cast<int64_t>(sizeof(float)), 64);
}

void head_gradient(const jc_attention_gradient_args* a, const jc::Sequence& at, int64_t column) {
  int64_t width = a->head_dim;
  float scale = static_cast<float>(a->scale);
  float* p = static_cast<float*>(a->workspace);
  float* dp = p + a->kv_tokens;
  const float* k = a->k + at.kv_first * a->ldk + column;
  const float* v = a->v + at.kv_first * a->ldv + column;
  float* dk = a->dk + at.kv_first * a->lddk + column;
  float* dv = a->dv + at.kv_first * a->lddv + column;
  for (int64_t j = 0; j < at.kv_count; ++j) {
    for (int64_t d = 0; d < width; ++d) dk[j * a->lddk + d] = dv[j * a->lddv + d] = 0;
  }
  for (int64_t i = 0; i < at.q_count; ++i) {
    const float* q = a->q + (at.q_first + i) * a->ldq + column;
    const float* dy = a->dy + (at.q_first + i) * a->lddy + column;
    float* dq = a->dq + (at.q_first + i) * a->lddq + column;
    int64_t n = at.seen(i, a->causal != 0);
    for (int64_t j = 0; j < n; ++j) p[j] = scale * dot(q, k + j * a->ldk, width);
    softmax(p, n);
    for (int64_t j = 0; j < n; ++j) dp[j] = dot(dy, v + j * a->ldv, width);
    float mean = dot(p, dp, n);
    for (int64_t d = 0; d < width; ++d) dq[d] = 0;
    for (int64_t j = 0; j < n; ++j) {
      float ds = scale * (p[j] * (dp[j] - mean));
      add_scaled(p[j], dy, dv + j * a->lddv, width);
      add_scaled(ds, k + j * a->ldk, dq, width);
      add_scaled(ds, q, dk + j * a->lddk, width);
    }
  }
}

}  // namespace

int32_t jc::ref::attention_gradient(jc_context* context, const jc_attention_gradient_args* a) {
  if (int32_t status = check_attention_gradient(context, a, scratch_bytes(a)); status != JC_OK) return status;
  zero_gradient_gaps(a);
  for (int64_t s = 0; s < live_sequences(a); ++s) {
    for (int64_t h = 0; h < a->heads; ++h) head_gradient(a, sequence(a, s), h * a->head_dim);
  }
  return JC_OK;
}

JC_EXPORT(attention_gradient, jc::ref::attention_gradient, jc::avx2::attention_gradient, jc::avx512::attention_gradient)

JC_PUBLIC int64_t jc_attention_gradient_workspace(const jc_context* context, const jc_attention_gradient_args* a) {
  if (context->isa != JC_AVX2 && context->isa != JC_AVX512) return scratch_bytes(a);
  int64_t tasks = a->sequences * a->heads;
  int64_t threads = jc::parallel_width(context) < tasks ? jc::parallel_width(context) : tasks;
  return (threads < 1 ? 1 : threads) * jc::gradient_scratch(a, context->isa == JC_AVX512 ? 16 : 8, nullptr).bytes;
}
