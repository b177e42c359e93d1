// Tokens of the attention pool, the plain version: the mean token first, then the pixels, each with its position.
#include "ops/attention_pool_tokens/attention_pool_tokens.h"

int32_t jc::ref::attention_pool_tokens(jc_context* context, const jc_attention_pool_tokens_args* a) {
  if (int32_t status = check_attention_pool_tokens(context, a); status != JC_OK) return status;
  for (int64_t b = 0; b < a->batch; ++b) {
    const float* x = a->x + b * a->pixels * a->channels;
    float* y = a->y + b * (1 + a->pixels) * a->channels;
    for (int64_t c = 0; c < a->channels; ++c) {
      float sum = 0;
      for (int64_t p = 0; p < a->pixels; ++p) sum += x[p * a->channels + c];
      y[c] = sum / static_cast<float>(a->pixels) + a->positional[c];
    }
    for (int64_t i = 0; i < a->pixels * a->channels; ++i) y[a->channels + i] = x[i] + a->positional[a->channels + i];
  }
  return JC_OK;
}

JC_EXPORT(attention_pool_tokens, jc::ref::attention_pool_tokens, jc::avx2::attention_pool_tokens,
          jc::avx512::attention_pool_tokens)
