// Each pixel gets its token's gradient and its share of the mean's; one version serves all instruction sets.
#include "core/pool.h"

JC_DECLARE(attention_pool_tokens_gradient)

int32_t jc::ref::attention_pool_tokens_gradient(jc_context* context, const jc_attention_pool_tokens_gradient_args* a) {
  JC_CHECK("attention_pool_tokens_gradient", a->batch >= 0 && a->pixels > 0 && a->channels > 0,
           "batch, pixels or channels");
  JC_CHECK("attention_pool_tokens_gradient", a->dy && a->dx, "null pointer");
  float pixels = static_cast<float>(a->pixels);
  int64_t threads = a->batch * a->pixels * a->channels > 65536 ? parallel_width(context) : 1;
  parallel(context, threads, a->batch * a->pixels, [=](int64_t pixel, int64_t) {
    int64_t picture = pixel / a->pixels;
    const float* mean = a->dy + picture * (1 + a->pixels) * a->channels;
    const float* token = mean + (1 + pixel % a->pixels) * a->channels;
    float* dx = a->dx + pixel * a->channels;
    for (int64_t c = 0; c < a->channels; ++c) dx[c] = token[c] + mean[c] / pixels;
  });
  return JC_OK;
}

JC_EXPORT(attention_pool_tokens_gradient, jc::ref::attention_pool_tokens_gradient,
          jc::ref::attention_pool_tokens_gradient, jc::ref::attention_pool_tokens_gradient)
