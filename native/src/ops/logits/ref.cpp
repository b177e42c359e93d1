// Scaled similarities and their softmax, the plain version.
#include <cmath>

#include "ops/logits/logits.h"

int32_t jc::ref::logits(jc_context* context, const jc_logits_args* a) {
  if (int32_t status = check_logits(context, a); status != JC_OK) return status;
  float scale = static_cast<float>(a->scale);
  for (int64_t row = 0; row < a->rows; ++row) {
    const float* image = a->image + row * a->width;
    float* logits = a->logits + row * a->texts;
    float max = -INFINITY;
    for (int64_t t = 0; t < a->texts; ++t) {
      const float* text = a->text + t * a->width;
      float dot = 0;
      for (int64_t i = 0; i < a->width; ++i) dot += image[i] * text[i];
      logits[t] = scale * dot;
      max = logits[t] > max ? logits[t] : max;
    }
    if (a->probabilities == nullptr) continue;
    float* probabilities = a->probabilities + row * a->texts;
    float sum = 0;
    for (int64_t t = 0; t < a->texts; ++t) {
      probabilities[t] = std::exp(logits[t] - max);
      sum += probabilities[t];
    }
    for (int64_t t = 0; t < a->texts; ++t) probabilities[t] /= sum;
  }
  return JC_OK;
}

JC_EXPORT(logits, jc::ref::logits, jc::avx2::logits, jc::avx512::logits)
