// Gradient of the contrastive loss, the plain version: one row of similarities at a time, images against texts and texts against images.
#include <cmath>

#include "ops/contrastive_loss_gradient/contrastive_loss_gradient.h"

namespace jc {

int64_t gradient_workspace(const jc_context* context, int64_t rows, int64_t width, int64_t threads) {
  if (context->isa == JC_REF) return lines(rows) * 4;
  GradientMemory m = gradient_memory(context, rows, width);
  return (m.shared + m.slot * threads) * 4;
}

int32_t check_contrastive_loss_gradient(jc_context* context, const jc_contrastive_loss_gradient_args* a) {
  const char* op = "contrastive_loss_gradient";
  JC_CHECK(op, is_loss(a->rows, a->width, a->kind), "rows, width or kind");
  JC_CHECK(op, a->image && a->text && a->log_scale && a->statistics && a->d_image && a->d_text, "null pointer");
  JC_CHECK(op, a->workspace && aligned(a->workspace, 64), "workspace is null or not 64-byte aligned");
  JC_CHECK(op, a->workspace_bytes >= gradient_workspace(context, a->rows, a->width, 1),
           "workspace is smaller than jc_contrastive_loss_gradient_workspace says for one thread");
  return JC_OK;
}

namespace {

// Sums over all pairs that the scalars' gradients are made of.
struct Scalars {
  double log_scale = 0;
  double bias = 0;
};

// One side's view: `rows` against `others`, losses of the rows and of the columns as statistics.
struct Side {
  const float* rows;
  const float* others;
  int64_t of_rows;  // in statistics
  int64_t of_columns;
};

// z[j] becomes the gradient of 2 N loss with respect to it. The softmaxes less 1 of the pair itself are expm1 of its losses, which
// does not cancel; and since each row of them adds up to 0, z[j] counts for the scale by its distance from the pair's own.
void softmax_gradient(const jc_contrastive_loss_gradient_args* a, const Side& side, int64_t i, float* z,
                      Scalars* sums) {
  const float* own = a->statistics;
  double row = loss_at(own, a->rows, side.of_rows, i);
  for (int64_t j = 0; j < a->rows; ++j) {
    double column = loss_at(own, a->rows, side.of_columns, j);
    if (j == i) {
      z[j] = static_cast<float>(std::expm1(-row) + std::expm1(-column));
      continue;
    }
    double x = static_cast<double>(z[j]);
    float p = std::exp(static_cast<float>(x - (static_cast<double>(own[i]) + row)));
    float q = std::exp(static_cast<float>(x - (static_cast<double>(own[j]) + column)));
    sums->log_scale += static_cast<double>(p * (z[j] - own[i])) + static_cast<double>(q * (z[j] - own[j]));
    z[j] = p + q;
  }
}

// z[j] becomes the gradient of N loss with respect to it.
void sigmoid_gradient(const jc_contrastive_loss_gradient_args* a, float bias, int64_t i, float* z, Scalars* sums) {
  for (int64_t j = 0; j < a->rows; ++j) {
    double x = static_cast<double>(z[j]);
    double g = j == i ? -ref::logistic(-x) : ref::logistic(x);
    sums->log_scale += g * (x - static_cast<double>(bias));
    sums->bias += g;
    z[j] = static_cast<float>(g);
  }
}

Scalars side_gradient(const jc_contrastive_loss_gradient_args* a, const Pairs& p, const Side& side, float factor,
                      float* d) {
  Scalars sums;
  float* z = static_cast<float*>(a->workspace);
  for (int64_t i = 0; i < a->rows; ++i) {
    for (int64_t j = 0; j < a->rows; ++j) {
      float dot = 0;
      for (int64_t k = 0; k < a->width; ++k) dot += side.rows[i * a->width + k] * side.others[j * a->width + k];
      z[j] = p.scale * dot + p.bias;
    }
    a->kind == JC_SIGMOID_LOSS ? sigmoid_gradient(a, p.bias, i, z, &sums) : softmax_gradient(a, side, i, z, &sums);
    for (int64_t k = 0; k < a->width; ++k) {
      float sum = 0;
      for (int64_t j = 0; j < a->rows; ++j) sum += z[j] * side.others[j * a->width + k];
      d[i * a->width + k] = factor * sum;
    }
  }
  return sums;
}

}  // namespace

int32_t ref::contrastive_loss_gradient(jc_context* context, const jc_contrastive_loss_gradient_args* a) {
  if (int32_t status = check_contrastive_loss_gradient(context, a); status != JC_OK) return status;
  Pairs p = pairs_of(a);
  double each = a->upstream / static_cast<double>(a->kind == JC_SIGMOID_LOSS ? a->rows : 2 * a->rows);
  float factor = static_cast<float>(each * static_cast<double>(p.scale));
  Scalars sums = side_gradient(a, p, {a->image, a->text, 1, 2}, factor, a->d_image);
  side_gradient(a, p, {a->text, a->image, 2, 1}, factor, a->d_text);
  if (a->d_log_scale != nullptr) *a->d_log_scale += static_cast<float>(each * sums.log_scale);
  if (a->d_bias != nullptr) *a->d_bias += static_cast<float>(each * sums.bias);
  return JC_OK;
}

}  // namespace jc

JC_PUBLIC int64_t jc_contrastive_loss_gradient_workspace(const jc_context* context,
                                                         const jc_contrastive_loss_gradient_args* a) {
  if (!jc::is_loss(a->rows, a->width, a->kind)) return 0;
  return jc::gradient_workspace(context, a->rows, a->width, jc::parallel_width(context));
}

JC_EXPORT(contrastive_loss_gradient, jc::ref::contrastive_loss_gradient, jc::avx2::contrastive_loss_gradient,
          jc::avx512::contrastive_loss_gradient)
