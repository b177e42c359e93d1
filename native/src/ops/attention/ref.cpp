// Attention, the plain version: query by query, keys in index order, one row of scores in the workspace.
#include <cmath>

#include "ops/attention/attention.h"

namespace {

float dot(const float* a, const float* b, int64_t n) {
  float sum = 0;
  for (int64_t i = 0; i < n; ++i) sum += a[i] * b[i];
  return sum;
}

// scores = exp(scores - max) ; returns their sum
float exponentials(float* scores, int64_t n) {
  float max = scores[0];
  for (int64_t j = 1; j < n; ++j) max = scores[j] > max ? scores[j] : max;
  float sum = 0;
  for (int64_t j = 0; j < n; ++j) {
    scores[j] = std::exp(scores[j] - max);
    sum += scores[j];
  }
  return sum;
}

}  // namespace

int32_t jc::ref::attention(jc_context* context, const jc_attention_args* a) {
  if (int32_t status = check_attention(context, a); status != JC_OK) return status;
  int64_t bytes = a->kv_tokens * static_cast<int64_t>(sizeof(float));
  if (int32_t status = check_attention_workspace(context, a, bytes); status != JC_OK) return status;
  float* scores = static_cast<float*>(a->workspace);
  float scale = static_cast<float>(a->scale);
  for (int64_t s = 0; s < live_sequences(a); ++s) {
    Sequence at = sequence(a, s);
    for (int64_t h = 0; h < a->heads; ++h) {
      const float* k = a->k + at.kv_first * a->ldk + h * a->head_dim;
      const float* v = a->v + at.kv_first * a->ldv + h * a->head_dim;
      for (int64_t i = 0; i < at.q_count; ++i) {
        const float* q = a->q + (at.q_first + i) * a->ldq + h * a->head_dim;
        float* y = a->y + (at.q_first + i) * a->ldy + h * a->head_dim;
        int64_t n = at.seen(i, a->causal != 0);
        for (int64_t j = 0; j < n; ++j) scores[j] = scale * dot(q, k + j * a->ldk, a->head_dim);
        float sum = exponentials(scores, n);
        for (int64_t d = 0; d < a->head_dim; ++d) {
          float value = 0;
          for (int64_t j = 0; j < n; ++j) value += scores[j] * v[j * a->ldv + d];
          y[d] = value / sum;
        }
      }
    }
  }
  zero_gaps(a);
  return JC_OK;
}

JC_EXPORT(attention, jc::ref::attention, jc::avx2::attention, jc::avx512::attention)

JC_PUBLIC int64_t jc_attention_workspace(const jc_context* context, const jc_attention_args* a) {
  int64_t tasks = a->sequences * a->heads * jc::kQueryChunks;
  int64_t threads = jc::parallel_width(context) < tasks ? jc::parallel_width(context) : tasks;
  if (threads < 1) threads = 1;
  if (context->isa == JC_AVX512) return threads * jc::attention_scratch(a, 16, 4);
  if (context->isa == JC_AVX2) return threads * jc::attention_scratch(a, 8, 2);
  return jc::round_up(a->kv_tokens * static_cast<int64_t>(sizeof(float)), 64);
}
