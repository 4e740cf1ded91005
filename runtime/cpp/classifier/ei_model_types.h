/* Types of the impulse, which lie beside what uses them. */
#ifndef EW_EI_MODEL_TYPES_H
#define EW_EI_MODEL_TYPES_H

#include "ei_run_classifier.h"

#endif
