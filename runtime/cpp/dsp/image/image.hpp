/* Helpers for pictures. */
#ifndef EW_IMAGE_HPP
#define EW_IMAGE_HPP

#include "processing.hpp"

#endif
