// Contrastive loss, the plain version: one row of similarities at a time, images against texts and texts against images.
#include <cmath>

#include "ops/contrastive_loss/contrastive_loss.h"

namespace jc {

double ref::exponential(double x) { return x < 0 ? 1 / (1 + std::expm1(-x)) : 1 + std::expm1(x); }

double ref::softplus(double x) { return (x > 0 ? x : 0) + std::log1p(exponential(-std::fabs(x))); }

double ref::logistic(double x) {
  double e = exponential(-std::fabs(x));
  return x < 0 ? e / (1 + e) : 1 / (1 + e);
}

bool is_loss(int64_t rows, int64_t width, int64_t kind) {
  return rows > 0 && rows <= INT32_MAX / 64 && width > 0 && width <= INT32_MAX / 64 &&
         (kind == JC_SOFTMAX_LOSS || kind == JC_SIGMOID_LOSS);
}

int64_t loss_workspace(const jc_context* context, int64_t rows, int64_t width, int64_t threads) {
  if (context->isa == JC_REF) return lines(rows) * 4;
  LossMemory m = loss_memory(context, rows, width);
  int64_t tasks = m.blocks.count * m.blocks.count;
  return (m.shared + m.slot * (threads < tasks ? threads : tasks)) * 4;
}

int32_t check_contrastive_loss(jc_context* context, const jc_contrastive_loss_args* a) {
  JC_CHECK("contrastive_loss", is_loss(a->rows, a->width, a->kind), "rows, width or kind");
  JC_CHECK("contrastive_loss", a->image && a->text && a->log_scale && a->loss && a->statistics, "null pointer");
  JC_CHECK("contrastive_loss", a->workspace && aligned(a->workspace, 64), "workspace is null or not 64-byte aligned");
  JC_CHECK("contrastive_loss", a->workspace_bytes >= loss_workspace(context, a->rows, a->width, 1),
           "workspace is smaller than jc_contrastive_loss_workspace says for one thread");
  return JC_OK;
}

namespace {

// z[j] = scale rows[i] . others[j] + bias
void similarities(const Pairs& p, const float* rows, const float* others, int64_t i, float* z) {
  for (int64_t j = 0; j < p.rows; ++j) {
    float dot = 0;
    for (int64_t d = 0; d < p.width; ++d) dot += rows[i * p.width + d] * others[j * p.width + d];
    z[j] = p.scale * dot + p.bias;
  }
}

// log(sum over j of exp(z[j])) - z[i]. The term of i itself is never added into the sum of the others: what it outweighs by far is not lost.
double cross_entropy(const float* z, int64_t n, int64_t i) {
  float shift = z[i];
  for (int64_t j = 0; j < n; ++j) shift = z[j] > shift ? z[j] : shift;
  float others = 0;
  for (int64_t j = 0; j < n; ++j) {
    if (j != i) others += std::exp(z[j] - shift);
  }
  double own = static_cast<double>(z[i]) - static_cast<double>(shift);
  return std::log1p(static_cast<double>(others) + std::expm1(own)) - own;
}

// log(1 + exp(-y z)), y = 1 for i itself, -1 for the others
double sigmoid_losses(const float* z, int64_t n, int64_t i) {
  double sum = 0;  // n^2 terms, most of them small
  for (int64_t j = 0; j < n; ++j) sum += ref::softplus(static_cast<double>(j == i ? -z[j] : z[j]));
  return sum;
}

}  // namespace

int32_t ref::contrastive_loss(jc_context* context, const jc_contrastive_loss_args* a) {
  if (int32_t status = check_contrastive_loss(context, a); status != JC_OK) return status;
  Pairs p = pairs_of(a);
  float* z = static_cast<float*>(a->workspace);
  double n = static_cast<double>(a->rows), sum = 0;
  for (int64_t i = 0; i < 5 * a->rows; ++i) a->statistics[i] = 0;
  for (int64_t i = 0; i < a->rows; ++i) {
    similarities(p, a->image, a->text, i, z);
    if (a->kind == JC_SIGMOID_LOSS) {
      sum += sigmoid_losses(z, a->rows, i);
      continue;
    }
    a->statistics[i] = z[i];
    double row = cross_entropy(z, a->rows, i);
    similarities(p, a->text, a->image, i, z);
    double column = cross_entropy(z, a->rows, i);
    set_loss(a->statistics, a->rows, 1, i, row);
    set_loss(a->statistics, a->rows, 2, i, column);
    sum += 0.5 * (row + column);
  }
  *a->loss = static_cast<float>(sum / n);
  return JC_OK;
}

}  // namespace jc

JC_PUBLIC int64_t jc_contrastive_loss_workspace(const jc_context* context, const jc_contrastive_loss_args* a) {
  if (!jc::is_loss(a->rows, a->width, a->kind)) return 0;
  return jc::loss_workspace(context, a->rows, a->width, jc::parallel_width(context));
}

JC_EXPORT(contrastive_loss, jc::ref::contrastive_loss, jc::avx2::contrastive_loss, jc::avx512::contrastive_loss)
